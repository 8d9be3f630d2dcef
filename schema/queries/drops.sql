-- what died: why, where, at which hook, and the rules there that dropped (SELECT advice FROM dropped: what to check next)
-- SPDX-License-Identifier: GPL-2.0
WITH judged AS (
	SELECT recording, packet, hook FROM verdict WHERE verdict = 'DROP' GROUP BY recording, packet
), culprit AS (	-- rules that drop, and did while this was recorded
	SELECT recording, netns, group_concat(chain || ': ' || rule || ' (' || packets || ')', '; ') AS rules
	FROM rule_count
	WHERE action IN ('drop', 'reject') AND packets > 0
	GROUP BY recording, netns_id
)
SELECT d.recording, count(*) AS packets, d.reason, d.function, d.layer, d.netns, j.hook, min(d.packet) AS example, d.meaning,
	iif(d.reason = 'NETFILTER_DROP', c.rules, NULL) AS rules
FROM dropped d
LEFT JOIN judged j ON j.recording = d.recording AND j.packet = d.packet
LEFT JOIN culprit c ON c.recording = d.recording AND c.netns = d.netns
GROUP BY d.recording, d.reason, d.function, d.netns, j.hook
ORDER BY d.recording, packets DESC, d.reason, example;
