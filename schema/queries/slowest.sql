-- the twenty packets that took longest until they were freed, and the longest wait of each: between which functions, where
-- SPDX-License-Identifier: GPL-2.0
WITH step AS (	-- returns come when other things have begun; what happens to a dead packet is no wait
	SELECT h.recording, h.packet, h.at_ns, h.func, h.context, h.netns_id, h.at_ns - lag(h.at_ns) OVER w AS waited_ns,
		lag(h.func) OVER w AS func0, lag(h.netns_id) OVER w AS netns0
	FROM hop_row h
	JOIN function f ON f.recording = h.recording AND f.func = h.func
	WHERE h.kind <> 'return' AND f.stage IS NOT 'free'
	WINDOW w AS (PARTITION BY h.recording, h.packet ORDER BY h.hop)
), slow AS (	-- with max(), the other columns are of the row that has it
	SELECT *, max(at_ns) AS took_ns FROM step GROUP BY recording, packet ORDER BY took_ns DESC LIMIT 20
), wait AS (
	SELECT t.*, max(t.waited_ns) AS longest_ns, s.took_ns
	FROM slow s
	JOIN step t ON t.recording = s.recording AND t.packet = s.packet
	GROUP BY t.recording, t.packet
)
SELECT w.recording, w.packet, p.tuple, p.fate, duration(w.took_ns) AS took, duration(w.longest_ns) AS waited,
	100 * w.longest_ns / w.took_ns AS percent, symbol(w.func0, w.recording) AS after, symbol(w.func, w.recording) AS before,
	n.netns, w.context
FROM wait w
JOIN packet p ON p.recording = w.recording AND p.packet = w.packet
LEFT JOIN netns n ON n.recording = w.recording AND n.netns_id = coalesce(w.netns0, w.netns_id)
ORDER BY w.took_ns DESC, w.recording, w.packet;
