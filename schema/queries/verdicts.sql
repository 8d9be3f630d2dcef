-- what netfilter decided at each hook, and for how many packets
-- SPDX-License-Identifier: GPL-2.0
SELECT recording, netns, family, hook, verdict, count(*) AS times, count(DISTINCT packet) AS packets, min(packet) AS example
FROM verdict
GROUP BY recording, netns, family, hook, verdict
ORDER BY recording, netns, family, hook;
