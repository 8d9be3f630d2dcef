-- traffic of each device: packets and bytes handed to its driver and taken from it, and what was dropped there
-- SPDX-License-Identifier: GPL-2.0
WITH pass AS (	-- once for each packet and way, however many functions of that boundary it enters
	SELECT recording, packet, netns_id, netns, device, stage, len_bytes, min(hop) AS hop
	FROM hop
	WHERE device IS NOT NULL AND stage IN ('to_driver', 'receive') AND kind <> 'return'
	GROUP BY recording, packet, netns_id, device, stage
), died AS (
	SELECT recording, netns, device, count(*) AS n FROM dropped GROUP BY recording, netns, device
)
SELECT p.recording, p.netns, p.device, i.kind, sum(stage = 'to_driver') AS sent,
	CAST(total(iif(stage = 'to_driver', len_bytes, 0)) AS INTEGER) AS sent_bytes, sum(stage = 'receive') AS received,
	CAST(total(iif(stage = 'receive', len_bytes, 0)) AS INTEGER) AS received_bytes, coalesce(d.n, 0) AS dropped
FROM pass p
LEFT JOIN interface i ON i.recording = p.recording AND i.netns_id = p.netns_id AND i.device = p.device
LEFT JOIN died d ON d.recording = p.recording AND d.netns IS p.netns AND d.device = p.device
GROUP BY p.recording, p.netns_id, p.device
ORDER BY p.recording, p.netns, p.device;
