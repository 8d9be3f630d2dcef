-- questions and answers (UDP, ping, opening of TCP): how long each took, seen where it was asked; answer NULL: none came
-- SPDX-License-Identifier: GPL-2.0
WITH question AS (	-- handed to a driver where it was born
	SELECT h.recording, h.packet, h.netns_id, h.netns, h.proto, h.src, h.sport, h.dst, h.dport, min(h.time_ns) AS time_ns, h.process
	FROM hop h
	JOIN packet p ON p.recording = h.recording AND p.packet = h.packet AND p.netns = h.netns
	WHERE h.stage = 'to_driver' AND h.kind <> 'return' AND
		(h.proto = 17 OR (h.proto = 1 AND h.sport = 2048) OR (h.proto = 58 AND h.sport = 32768) OR (h.proto = 6 AND h.tcp_flags & 18 = 2))
	GROUP BY h.recording, h.packet
), answer AS (		-- comes to its transport
	SELECT h.recording, h.packet, h.netns_id, h.proto, h.src, iif(h.proto IN (1, 58), 1, h.sport) AS sport, h.dst, h.dport, min(h.time_ns) AS time_ns
	FROM hop h
	WHERE h.stage = 'to_transport' AND h.kind <> 'return' AND
		(h.proto = 17 OR (h.proto = 1 AND h.sport = 0) OR (h.proto = 58 AND h.sport = 33024) OR (h.proto = 6 AND h.tcp_flags & 18 = 18))
	GROUP BY h.recording, h.packet, h.netns_id
)
SELECT q.recording, q.netns, p.tuple, q.packet AS question, p.fate, a.packet AS answer, duration(min(a.time_ns) - q.time_ns) AS took
FROM question q
JOIN packet p ON p.recording = q.recording AND p.packet = q.packet
LEFT JOIN answer a ON a.recording = q.recording AND a.netns_id = q.netns_id AND a.proto = q.proto AND a.src = q.dst AND a.dst = q.src AND
	iif(q.proto IN (1, 58), a.dport = q.dport, a.sport = q.dport AND a.dport = q.sport) AND a.time_ns > q.time_ns
WHERE NOT EXISTS (	-- is an answer itself
	SELECT 1 FROM answer b WHERE b.recording = q.recording AND b.netns_id = q.netns_id AND b.proto = 17 AND q.proto = 17 AND
		b.src = q.dst AND b.dst = q.src AND b.sport = q.dport AND b.dport = q.sport AND b.time_ns < q.time_ns)
GROUP BY q.recording, q.packet
ORDER BY q.recording, q.packet;
