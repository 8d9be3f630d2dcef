-- the twenty longest waits of a packet between two functions
-- SPDX-License-Identifier: GPL-2.0
WITH step AS (	-- returns come when other things have begun; what happens to a dead packet is no wait
	SELECT h.recording, h.packet, h.func, h.context, h.cpu, h.at_ns - lag(h.at_ns) OVER w AS waited_ns,
		lag(h.func) OVER w AS func0, lag(h.context) OVER w AS context0, lag(h.cpu) OVER w AS cpu0
	FROM hop_row h
	JOIN function f ON f.recording = h.recording AND f.func = h.func
	WHERE h.kind <> 'return' AND f.stage IS NOT 'free'
	WINDOW w AS (PARTITION BY h.recording, h.packet ORDER BY h.hop)
), longest AS (
	SELECT * FROM step WHERE waited_ns IS NOT NULL ORDER BY waited_ns DESC LIMIT 20
)
SELECT w.recording, w.packet, duration(w.waited_ns) AS waited, symbol(w.func0, w.recording) AS after, symbol(w.func, w.recording) AS before,
	w.context0 || iif(w.context = w.context0, '', ' > ' || w.context) AS context, w.cpu0 || iif(w.cpu = w.cpu0, '', ' > ' || w.cpu) AS cpu, p.tuple
FROM longest w
JOIN packet p ON p.recording = w.recording AND p.packet = w.packet
ORDER BY w.waited_ns DESC, w.recording, w.packet;
