-- addresses whose packets leave a namespace through one device while those the other way come in through another
-- SPDX-License-Identifier: GPL-2.0
WITH out AS (
	SELECT recording, netns_id, netns, src, dst, device, count(DISTINCT packet) AS packets, min(packet) AS example
	FROM hop
	WHERE stage = 'to_driver' AND kind <> 'return' AND proto IS NOT NULL AND device IS NOT NULL
	GROUP BY recording, netns_id, src, dst, device
), inward AS (
	SELECT recording, netns_id, src, dst, device, count(DISTINCT packet) AS packets, min(packet) AS example
	FROM hop
	WHERE stage = 'from_ip_rcv' AND kind <> 'return' AND proto IS NOT NULL AND device IS NOT NULL
	GROUP BY recording, netns_id, src, dst, device
)
SELECT o.recording, o.netns, o.src || ' > ' || o.dst AS leaving, o.device AS leaves_through, o.packets, o.example,
	i.device AS other_way_through, i.packets AS packets_back, i.example AS example_back
FROM out o
JOIN inward i ON i.recording = o.recording AND i.netns_id = o.netns_id AND i.src = o.dst AND i.dst = o.src
WHERE o.device <> i.device
ORDER BY o.recording, o.netns, leaving, o.device, i.device;
