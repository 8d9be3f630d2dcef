-- the twenty longest waits of a packet between two of its hops
-- SPDX-License-Identifier: GPL-2.0
SELECT h.recording, h.packet, h.delta_ns / 1000 AS waited_us, f.name AS after, h.function AS before, h.layer, h.context, h.cpu, p.tuple
FROM hop h
JOIN packet p ON p.recording = h.recording AND p.packet = h.packet
JOIN hop_row b ON b.recording = h.recording AND b.packet = h.packet AND b.hop = h.hop - 1
LEFT JOIN function f ON f.recording = b.recording AND f.func = b.func
WHERE h.delta_ns IS NOT NULL
ORDER BY h.delta_ns DESC
LIMIT 20;
