-- where packets come from: the system call, or what else runs, that leads to each first hop, and the process
-- SPDX-License-Identifier: GPL-2.0
WITH call AS (
	SELECT recording, packet, function, max(frame) AS frame FROM stack WHERE layer = 'syscall' AND function GLOB '*sys_[a-z]*' AND function <> 'x64_sys_call'
	GROUP BY recording, packet
), root AS (
	SELECT recording, packet, function, max(frame) AS frame FROM stack GROUP BY recording, packet
)
SELECT p.recording, coalesce(c.function, r.function, 'no stack') AS 'from', p.process, p.first_function, count(*) AS packets,
	min(p.packet) AS example
FROM packet p
LEFT JOIN call c ON c.recording = p.recording AND c.packet = p.packet
LEFT JOIN root r ON r.recording = p.recording AND r.packet = p.packet
GROUP BY p.recording, 2, p.process, p.first_function
ORDER BY p.recording, packets DESC, example;
