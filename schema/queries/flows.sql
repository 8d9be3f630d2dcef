-- conversations: packets and bytes each way, what was dropped, how long they went on
-- SPDX-License-Identifier: GPL-2.0
WITH sized AS (	-- a packet counts once, with its length when it was whole
	SELECT p.*, p.src || ' ' || p.sport AS a, p.dst || ' ' || p.dport AS b
	FROM packet p
	WHERE p.src IS NOT NULL AND p.tuple_of IS NULL	-- kin is the same data again
), sided AS (
	SELECT *, iif(proto IN (1, 58), src < dst, a < b) AS forth,
		iif(proto IN (1, 58), min(src, dst) || max(src, dst), min(a, b) || max(a, b)) AS pair
	FROM sized
), counted AS (
	SELECT recording, min(packet) AS first, proto, pair, min(first_ns) AS began_ns, max(last_ns) AS ended_ns,
		first_value(forth) OVER (PARTITION BY recording, proto, pair ORDER BY min(packet)) AS forth1, forth,
		count(*) AS packets, total(len_bytes) AS bytes, sum(fate = 'dropped') AS dropped
	FROM sided
	GROUP BY recording, proto, pair, forth
), paired AS (
	SELECT recording, min(first) AS first, sum(iif(forth = forth1, packets, 0)) AS packets_out,
		sum(iif(forth = forth1, 0, packets)) AS packets_back, total(iif(forth = forth1, bytes, 0)) AS bytes_out,
		total(iif(forth = forth1, 0, bytes)) AS bytes_back, sum(dropped) AS dropped, max(ended_ns) - min(began_ns) AS went_on_ns
	FROM counted
	GROUP BY recording, proto, pair
)
SELECT c.recording, c.first, p.tuple AS conversation, packets_out, packets_back, CAST(bytes_out AS INTEGER) AS bytes_out,
	CAST(bytes_back AS INTEGER) AS bytes_back, dropped, duration(went_on_ns) AS went_on
FROM paired c
JOIN packet p ON p.recording = c.recording AND p.packet = c.first
ORDER BY c.recording, c.first;
