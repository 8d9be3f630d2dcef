-- from the first hop in the sender's namespace to the hand-over to the first driver: how long, for each process
-- SPDX-License-Identifier: GPL-2.0
WITH handed AS (
	SELECT h.recording, h.packet, h.device, h.netns, min(h.at_ns) AS took_ns
	FROM hop h
	WHERE h.stage = 'to_driver' AND h.kind <> 'return'
	GROUP BY h.recording, h.packet
)
SELECT p.recording, p.netns, p.process, d.device, count(*) AS packets, CAST(percentile(d.took_ns, 50) AS INTEGER) AS median_ns,
	CAST(percentile(d.took_ns, 99) AS INTEGER) AS p99_ns, max(d.took_ns) AS max_ns
FROM packet p
JOIN handed d ON d.recording = p.recording AND d.packet = p.packet AND d.netns = p.netns
WHERE p.first_function NOT IN (SELECT name FROM function WHERE stage IN ('receive', 'to_driver', 'from_ip_rcv'))
GROUP BY p.recording, p.netns, p.process, d.device
ORDER BY p.recording, median_ns DESC, p.netns, p.process;
