-- is it all there: for each CPU what was produced, recorded, lost and missed, and how many packets that touches
-- SPDX-License-Identifier: GPL-2.0
SELECT l.recording, l.cpu, l.produced, l.recorded, l.lost, l.missed, l.others_lost, r.packets,
	(SELECT sum(lossy) FROM packet p WHERE p.recording = l.recording) AS lossy_packets, r.end_reason, r.trouble
FROM loss l
JOIN recording r ON r.recording = l.recording
ORDER BY l.recording, l.cpu;
