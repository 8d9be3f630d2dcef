-- SPDX-License-Identifier: GPL-2.0
-- views.sql - what people ask for: hops with names, drops, verdicts.  Stable: columns may be added, none removed.

CREATE VIEW hop AS	-- the hops: each function a packet entered, with names and times
SELECT h.recording, h.packet, h.hop,
	h.time_ns,			-- when
	h.at_ns,			-- since the packet's first hop
	h.delta_ns,			-- since the packet's previous hop
	h.kind,				-- entry, return, drop; derived: found on the stack of the event behind it
	f.name AS function, f.module, f.layer, f.stage,
	h.cpu, h.context,
	h.pid, p.process,		-- what was running, whoever's packet it is
	n.netns, i.device,
	h.len_bytes, h.paged_bytes, h.mark, h.ethertype, h.proto, h.src, h.sport, h.dst, h.dport,
	h.ttl, h.ip_id, h.frag, h.tcp_flags, h.tcp_seq, h.gso_bytes, h.gso_segments,
	h.hook, h.family,		-- of netfilter
	h.verdict,			-- what a function that decides answered, as it returned
	h.reason,			-- why it was dropped
	h.value,			-- what the function returned, or the number of the drop reason
	h.netns_id, h.ifindex, h.func, h.seq,
	h.stack				-- see hop_stack
FROM hop_row h
LEFT JOIN function f ON f.recording = h.recording AND f.func = h.func
LEFT JOIN process p ON p.recording = h.recording AND p.pid = h.pid
LEFT JOIN netns n ON n.recording = h.recording AND n.netns_id = h.netns_id
LEFT JOIN interface i ON i.recording = h.recording AND i.netns_id = h.netns_id AND i.ifindex = h.ifindex;

CREATE VIEW path_hop AS	-- the functions of each path, in order
SELECT s.recording, s.path, s.step, f.name AS function, f.module, f.layer, f.stage, f.meaning, s.func
FROM path_step s
LEFT JOIN function f ON f.recording = s.recording AND f.func = s.func;

CREATE VIEW stack_frame AS	-- the kernel stack at a packet's first hop, by number; stack has the names
SELECT p.recording, p.packet, s.frame, s.func
FROM packet p
JOIN frame s ON s.recording = p.recording AND s.stack = p.stack;

CREATE VIEW stack AS	-- the kernel stack at each packet's first hop, innermost first
SELECT s.recording, s.packet, s.frame, f.name AS function, f.module, f.layer, s.func
FROM stack_frame s
LEFT JOIN function f ON f.recording = s.recording AND f.func = s.func;

CREATE VIEW hop_stack AS	-- the kernel stack at each hop that has one, innermost first
SELECT h.recording, h.packet, h.hop, s.frame, f.name AS function, f.module, f.layer, s.func, s.stack
FROM hop_row h
JOIN frame s ON s.recording = h.recording AND s.stack = h.stack
LEFT JOIN function f ON f.recording = s.recording AND f.func = s.func;

CREATE VIEW journey AS	-- packets that came from each other: a TCP segment with its clones, a datagram with its fragments
SELECT recording, journey, count(*) AS packets, min(packet) AS first_packet,
	min(first_ns) AS first_ns, max(last_ns) AS last_ns, max(last_ns) - min(first_ns) AS took_ns,
	group_concat(DISTINCT fate) AS fates
FROM packet
GROUP BY recording, journey;

CREATE VIEW dropped AS	-- the packets that were dropped: where, why, what to check
SELECT p.recording, p.packet, h.time_ns, p.tuple, p.reason, r.meaning,
	f.name AS function,		-- where the kernel gave the packet up
	f.layer,
	n.netns, i.device, p.process, p.pid,
	r.advice,			-- what to check next
	p.lossy, p.fate_hop AS hop
FROM packet p
JOIN hop_row h ON h.recording = p.recording AND h.packet = p.packet AND h.hop = p.fate_hop
LEFT JOIN function f ON f.recording = h.recording AND f.func = h.func
LEFT JOIN netns n ON n.recording = h.recording AND n.netns_id = h.netns_id
LEFT JOIN interface i ON i.recording = h.recording AND i.netns_id = h.netns_id AND i.ifindex = h.ifindex
LEFT JOIN reason r ON r.reason = p.reason
WHERE p.fate = 'dropped';

CREATE VIEW verdict AS	-- what netfilter decided, hook by hook
SELECT h.recording, h.packet, h.hop, h.time_ns, h.family, h.hook, h.verdict, f.name AS function,
	(SELECT n.netns		-- of the call: a return shows nothing of the packet
	 FROM hop_row e
	 JOIN netns n ON n.recording = e.recording AND n.netns_id = e.netns_id
	 WHERE e.recording = h.recording AND e.packet = h.packet AND e.hop < h.hop AND e.func = h.func
	 ORDER BY e.hop DESC LIMIT 1) AS netns,
	p.tuple, h.value,
	(SELECT group_concat(t.name || ' ' || r.verdict, ', ')	-- the tables and chains that were asked, in turn
	 FROM hop_row r
	 JOIN function t ON t.recording = r.recording AND t.func = r.func
	 WHERE r.recording = h.recording AND r.packet = h.packet AND r.hop < h.hop AND r.hook = h.hook AND r.verdict IS NOT NULL
		AND t.layer = 'netfilter' AND t.stage IS NULL
		AND r.hop > (SELECT max(e.hop) FROM hop_row e
			WHERE e.recording = h.recording AND e.packet = h.packet AND e.hop < h.hop AND e.func = h.func AND e.kind = 'entry')) AS asked
FROM hop_row h
JOIN packet p ON p.recording = h.recording AND p.packet = h.packet
LEFT JOIN function f ON f.recording = h.recording AND f.func = h.func
WHERE h.verdict IS NOT NULL AND f.stage = 'netfilter';

CREATE VIEW rule_count AS	-- what firewall rules counted between the start and the end; NULL: the start is not known
SELECT e.recording, e.netns_id, e.netns, e.source, e.family, e."table", e.chain, e.number, e.rule, e.action,
	iif(s.what IS NULL, NULL, e.packets - coalesce(b.packets, 0)) AS packets,
	iif(s.what IS NULL, NULL, e.bytes - coalesce(b.bytes, 0)) AS bytes
FROM rule e
LEFT JOIN snapshot s ON s.recording = e.recording AND s.moment = 'start' AND s.netns_id IS e.netns_id AND s.what = e.source AND
	(s.note IS NULL OR s.note LIKE 'not asked%')
LEFT JOIN rule b ON b.recording = e.recording AND b.moment = 'start' AND b.netns_id IS e.netns_id AND b.source = e.source AND
	b.family = e.family AND b."table" = e."table" AND b.chain = e.chain AND b.number = e.number AND b.rule = e.rule
WHERE e.moment = 'end';
