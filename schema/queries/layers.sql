-- where the time of packets goes: in each layer, the time from a hop to the packet's next one
-- SPDX-License-Identifier: GPL-2.0
SELECT h.recording, f.layer, count(*) AS hops, count(DISTINCT h.packet) AS packets,
	CAST(total(n.delta_ns) / 1000 AS INTEGER) AS total_us, CAST(percentile(n.delta_ns, 50) AS INTEGER) AS median_ns,
	CAST(percentile(n.delta_ns, 99) AS INTEGER) AS p99_ns, max(n.delta_ns) AS max_ns
FROM hop_row h
JOIN hop_row n ON n.recording = h.recording AND n.packet = h.packet AND n.hop = h.hop + 1
JOIN function f ON f.recording = h.recording AND f.func = h.func
GROUP BY h.recording, f.layer
ORDER BY h.recording, total_us DESC;
