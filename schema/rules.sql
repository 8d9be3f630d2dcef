-- SPDX-License-Identifier: GPL-2.0
-- rules.sql - what pktshow --explain asks of the snapshots: see analyze/rules.c.  A comment names each statement.
-- The text may come from a stranger: what has another shape gives no row, and never an error.

-- rules
-- (what one had ever counted is not what it counted meanwhile)
SELECT e.netns_id, e.source, e.family, e."table", e.chain, e.number, e.action, e.rule,
	iif(EXISTS (SELECT 1 FROM snapshot s WHERE s.moment = 'start' AND s.netns_id = e.netns_id AND s.what = e.source AND
		(s.note IS NULL OR s.note LIKE 'not asked%')),
		e.packets - coalesce(b.packets, 0), NULL),
	iif(e.source = 'nftables' AND e.action IN ('jump', 'goto'), substr(e.rule, instr(e.rule, e.action || ' ') + 5), NULL)
FROM rule e
LEFT JOIN rule b ON b.moment = 'start' AND b.netns_id = e.netns_id AND b.source = e.source AND b.family = e.family AND
	b."table" = e."table" AND b.chain = e.chain AND b.number = e.number AND b.rule = e.rule
WHERE e.moment = 'end' AND e.netns_id IS NOT NULL;

-- chains
SELECT netns_id, clean(chain ->> '$.family'), clean(chain ->> '$.table'), clean(chain ->> '$.name'), chain ->> '$.hook',
	chain ->> '$.policy'
FROM (SELECT s.netns_id, iif(c.type = 'object', c.value -> '$.chain', NULL) AS chain
	FROM snapshot s, json_each(iif(json_valid(s.text), s.text, '{}'), '$.nftables') c
	WHERE s.what = 'nftables' AND s.moment = 'end')
WHERE json_type(chain) = 'object';

-- matches
SELECT netns_id, clean(rule ->> '$.family'), clean(rule ->> '$.table'), clean(rule ->> '$.chain'), CAST(rule ->> '$.handle' AS INTEGER),
	coalesce(m ->> '$.left.payload.protocol', iif(json_type(m, '$.left.meta') IS NOT NULL, 'meta', '')),
	coalesce(m ->> '$.left.payload.field', m ->> '$.left.meta.key', ''), coalesce(m ->> '$.op', ''),
	CASE json_type(m, '$.right')
		WHEN 'object' THEN coalesce((m ->> '$.right.prefix.addr') || '/' || (m ->> '$.right.prefix.len'), '')
		WHEN 'array' THEN ''
		ELSE m ->> '$.right'
	END
FROM (SELECT r.netns_id, r.rule, iif(x.key = 'match' AND x.type = 'object', x.value, '{}') AS m
	FROM (SELECT s.netns_id, iif(r.type = 'object', r.value -> '$.rule', NULL) AS rule
		FROM snapshot s, json_each(iif(json_valid(s.text), s.text, '{}'), '$.nftables') r
		WHERE s.what = 'nftables' AND s.moment = 'end') r,
		json_each(iif(json_type(r.rule) = 'object', r.rule, '{}'), '$.expr') e,
		json_each(iif(e.type = 'object', e.value, '{}')) x
	WHERE x.key NOT IN ('counter', 'log', 'accept', 'drop', 'reject', 'jump', 'goto', 'return', 'continue', 'masquerade', 'snat',
		'dnat', 'redirect', 'queue', 'notrack', 'mangle') AND
		NOT (x.key = 'xt' AND iif(x.type = 'object', x.value ->> '$.type', '') IS 'target'));
