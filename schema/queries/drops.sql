-- what died, grouped by reason and place (SELECT advice FROM dropped: what to check next)
-- SPDX-License-Identifier: GPL-2.0
SELECT recording, count(*) AS packets, reason, function, layer, netns, min(packet) AS example, meaning
FROM dropped
GROUP BY recording, reason, function, netns
ORDER BY recording, packets DESC;
