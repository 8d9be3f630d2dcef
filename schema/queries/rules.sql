-- which firewall rules counted packets during the recording, and what they do with them
-- SPDX-License-Identifier: GPL-2.0
SELECT recording, netns, source, family, "table", chain, packets, bytes, action, rule
FROM rule_count
WHERE packets > 0
ORDER BY recording, netns, source, "table", chain, number;
