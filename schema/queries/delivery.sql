-- from the driver to the socket, and from there until the application reads: how long, for each process and protocol
-- SPDX-License-Identifier: GPL-2.0
WITH stage AS (
	SELECT recording, packet, hop, time_ns, stage, netns_id, process, pid, proto, context
	FROM hop
	WHERE stage IN ('receive', 'to_socket', 'read') AND kind <> 'return'
), queued AS (	-- into the last socket that it came to
	SELECT recording, packet, max(hop) AS hop, time_ns, netns_id, proto FROM stage WHERE stage = 'to_socket' GROUP BY recording, packet
), arrived AS (	-- in the namespace of the last driver before
	SELECT q.recording, q.packet, max(s.hop), s.netns_id, q.hop
	FROM queued q
	JOIN stage s ON s.recording = q.recording AND s.packet = q.packet AND s.hop < q.hop AND s.stage = 'receive'
	GROUP BY q.recording, q.packet
), driver AS (
	SELECT a.recording, a.packet, min(s.time_ns) AS time_ns
	FROM arrived a
	JOIN stage s ON s.recording = a.recording AND s.packet = a.packet AND s.hop < a.hop AND s.stage = 'receive' AND s.netns_id = a.netns_id
	GROUP BY a.recording, a.packet
), reader AS (
	SELECT q.recording, q.packet, min(s.hop), s.time_ns, s.process
	FROM queued q
	JOIN stage s ON s.recording = q.recording AND s.packet = q.packet AND s.hop > q.hop AND s.stage = 'read'
	GROUP BY q.recording, q.packet
)
SELECT q.recording, r.process, CASE q.proto WHEN 6 THEN 'TCP' WHEN 17 THEN 'UDP' WHEN 1 THEN 'ICMP' WHEN 58 THEN 'ICMPv6' ELSE q.proto END AS proto,
	count(*) AS packets, CAST(percentile(q.time_ns - d.time_ns, 50) AS INTEGER) AS to_socket_median_ns,
	max(q.time_ns - d.time_ns) AS to_socket_max_ns, CAST(percentile(r.time_ns - q.time_ns, 50) AS INTEGER) AS to_read_median_ns,
	max(r.time_ns - q.time_ns) AS to_read_max_ns
FROM queued q
JOIN driver d ON d.recording = q.recording AND d.packet = q.packet
LEFT JOIN reader r ON r.recording = q.recording AND r.packet = q.packet
GROUP BY q.recording, r.process, q.proto
ORDER BY q.recording, packets DESC, r.process;
