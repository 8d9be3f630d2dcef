-- traffic of each process: packets and bytes that it sent and read, what of it was dropped, with how many peers
-- SPDX-License-Identifier: GPL-2.0
WITH sent AS (	-- made on its way down, whichever function made the sk_buff; a clone is the same data again
	SELECT p.recording, p.pid, p.process, p.packet, p.len_bytes, p.fate, p.dst AS peer
	FROM packet p
	JOIN hop_row h ON h.recording = p.recording AND h.packet = p.packet AND h.hop = 1
	WHERE p.pid IS NOT NULL AND h.context = 'process' AND
		(p.recording, p.packet) NOT IN (SELECT recording, child FROM lineage
			WHERE child IS NOT NULL AND parent IS NOT NULL AND kind IN ('clone', 'copy')) AND
		(SELECT f.layer
		 FROM hop_row b
		 JOIN function f ON f.recording = b.recording AND f.func = b.func
		 WHERE b.recording = p.recording AND b.packet = p.packet AND f.layer <> 'packet'
		 ORDER BY b.hop LIMIT 1) IN ('syscall', 'socket', 'transport', 'ip')
), got AS (	-- read by it: in its name, when nobody else's work is done
	SELECT h.recording, h.pid, h.process, h.packet, max(coalesce(q.len_bytes, h.len_bytes)) AS len_bytes, max(h.src) AS peer
	FROM hop h
	JOIN packet q ON q.recording = h.recording AND q.packet = h.packet
	WHERE h.stage = 'read' AND h.context = 'process' AND h.kind <> 'return'
	GROUP BY h.recording, h.pid, h.packet
), both AS (
	SELECT recording, pid, process, 1 AS out, len_bytes, fate = 'dropped' AS dropped, peer FROM sent
	UNION ALL
	SELECT recording, pid, process, 0, len_bytes, 0, peer FROM got
)
SELECT recording, process, pid, sum(out) AS sent, CAST(total(out * len_bytes) AS INTEGER) AS sent_bytes, sum(dropped) AS dropped,
	sum(NOT out) AS read, CAST(total((NOT out) * len_bytes) AS INTEGER) AS read_bytes, count(DISTINCT peer) AS peers
FROM both
GROUP BY recording, pid
ORDER BY recording, sent_bytes + read_bytes DESC, pid;
