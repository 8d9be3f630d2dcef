-- TCP segments that were sent again: how often, how long after the first, what became of each (needs packets' bytes)
-- SPDX-License-Identifier: GPL-2.0
WITH bytes AS (		-- the IP packet that a process or timer sent: headers, and how many bytes of data
	SELECT p.recording, p.packet, p.tuple, p.netns, p.fate, p.first_ns, p.src, p.sport, p.dst, p.dport,
		d.len_bytes - iif(d.layer = 2, 14, 0) AS len_bytes, substr(d.bytes, iif(d.layer = 2, 15, 1)) AS b
	FROM packet p
	JOIN payload d ON d.recording = p.recording AND d.packet = p.packet
	WHERE p.proto = 6 AND p.tuple_of IS NULL AND	-- not seen first below IP
		p.first_function NOT IN (SELECT name FROM function WHERE layer IN ('qdisc', 'driver', 'device'))
), header AS (
	SELECT *, iif(byte(b, 0) >> 4 = 4, (byte(b, 0) & 15) * 4, 40) AS at FROM bytes
), segment AS (
	SELECT *, byte(b, at + 4, 4) AS seq, byte(b, at + 13) & 3 AS syn_fin, len_bytes - at - (byte(b, at + 12) >> 4) * 4 AS data_bytes
	FROM header
), sent AS (	-- what was born in one place with the same number; an acknowledgement has none of its own
	SELECT *, count(*) OVER w AS times, row_number() OVER o AS nth, first_ns - min(first_ns) OVER w AS later_ns
	FROM segment
	WHERE seq IS NOT NULL AND (data_bytes > 0 OR syn_fin)
	WINDOW w AS (PARTITION BY recording, netns, src, sport, dst, dport, seq), o AS (w ORDER BY first_ns)
)
SELECT recording, netns, tuple, seq, data_bytes, nth, packet, duration(later_ns) AS later, fate
FROM sent
WHERE times > 1
ORDER BY recording, tuple, seq, nth;
