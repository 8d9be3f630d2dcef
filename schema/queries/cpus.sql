-- where packets go from one CPU to another, or from a process to an interrupt or back, and how long that takes
-- SPDX-License-Identifier: GPL-2.0
WITH step AS (
	SELECT h.recording, h.packet, h.func, h.context, h.cpu, h.at_ns - lag(h.at_ns) OVER w AS waited_ns,
		lag(h.func) OVER w AS func0, lag(h.context) OVER w AS context0, lag(h.cpu) OVER w AS cpu0
	FROM hop_row h
	JOIN function f ON f.recording = h.recording AND f.func = h.func
	WHERE h.kind <> 'return' AND f.stage IS NOT 'free'
	WINDOW w AS (PARTITION BY h.recording, h.packet ORDER BY h.hop)
)
SELECT recording, symbol(func0, recording) AS after, symbol(func, recording) AS before, context0 || ' > ' || context AS context,
	count(*) AS times, sum(cpu <> cpu0) AS changed_cpu, count(DISTINCT packet) AS packets,
	CAST(percentile(waited_ns, 50) AS INTEGER) AS median_ns, max(waited_ns) AS max_ns
FROM step
WHERE cpu <> cpu0 OR context <> context0
GROUP BY recording, func0, func, context0, context
ORDER BY recording, times DESC, max_ns DESC;
