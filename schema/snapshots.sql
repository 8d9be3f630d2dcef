-- SPDX-License-Identifier: GPL-2.0
-- snapshots.sql - what is taken out of the text of snapshots: the rows of the tables rule and counter.
--
-- Done once, when a recording is loaded: SQLite does not let views use its JSON functions where the schema is not
-- trusted.  The text may come from a stranger: what is no JSON or has another shape gives no row, and never an error.
-- clean() makes names harmless.

CREATE TEMP TABLE line (
	recording INTEGER, moment TEXT, netns_id INTEGER, netns TEXT, what TEXT, number INTEGER, line TEXT
);

-- text as a list in JSON; a backslash becomes a stroke, so that the only \n are ends of lines
INSERT INTO temp.line
SELECT s.recording, s.moment, s.netns_id, s.netns, s.what, l.key + 1, l.value
FROM snapshot s, json_each('[' || replace(json_quote(replace(s.text, '\', '/')), '\n', '","') || ']') l
WHERE s.what IN ('iptables', 'ip6tables', 'iptables-nft', 'ip6tables-nft', 'snmp', 'snmp6', 'netstat', 'xfrm') AND l.value <> '';

CREATE INDEX temp.line_place ON line (recording, moment, netns_id, what, number);

-- /proc/net/snmp, netstat: a line of names and a line of numbers
INSERT INTO counter
SELECT n.recording, n.moment, n.netns_id, n.netns, clean(replace(substr(n.line, 1, instr(n.line, ': ') - 1) || w.value, ':', '')),
	CAST(v.value AS INTEGER)
FROM temp.line n
JOIN temp.line c ON c.recording = n.recording AND c.moment = n.moment AND c.netns_id IS n.netns_id AND c.what = n.what AND
	c.number = n.number + 1
JOIN json_each('[' || replace(json_quote(n.line), ' ', '","') || ']') w
JOIN json_each('[' || replace(json_quote(c.line), ' ', '","') || ']') v ON v.key = w.key
WHERE n.what IN ('snmp', 'netstat') AND n.number % 2 AND w.key > 0;

-- /proc/net/snmp6, xfrm_stat: a name, blanks, a tab (made visible when it was read, as /x09), a number
INSERT INTO counter
SELECT recording, moment, netns_id, netns, clean(substr(words, 1, instr(words, ' ') - 1)), CAST(substr(words, instr(words, ' ')) AS INTEGER)
FROM (SELECT *, replace(line, '/x09', ' ') || ' ' AS words FROM temp.line WHERE what IN ('snmp6', 'xfrm'));

CREATE TEMP TABLE saved AS	-- the chains that iptables-nft-save tells of; tables of its names may have others, made by nft
SELECT recording, moment, netns_id, what, substr(line, 2, instr(line, ' ') - 2) AS chain
FROM temp.line WHERE what IN ('iptables-nft', 'ip6tables-nft') AND line LIKE ':%';
CREATE INDEX temp.saved_place ON saved (recording, moment, netns_id, what, chain);

-- nft -j list ruleset; rules that iptables-nft made are better told by iptables-nft-save, if that was asked
WITH nft(recording, moment, netns_id, netns, rule) AS (
	SELECT s.recording, s.moment, s.netns_id, s.netns, iif(r.type = 'object', r.value -> '$.rule', NULL)
	FROM snapshot s, json_each(iif(s.what = 'nftables' AND json_valid(s.text), s.text, '{}'), '$.nftables') r
)
INSERT INTO rule
SELECT recording, moment, netns_id, netns, 'nftables', clean(rule ->> '$.family'), clean(rule ->> '$.table'), clean(rule ->> '$.chain'),
	CAST(rule ->> '$.handle' AS INTEGER),
	(SELECT CAST(e.value ->> '$.counter.packets' AS INTEGER) FROM json_each(rule, '$.expr') e
	 WHERE iif(e.type = 'object', e.value -> '$.counter.packets', NULL) IS NOT NULL),
	(SELECT CAST(e.value ->> '$.counter.bytes' AS INTEGER) FROM json_each(rule, '$.expr') e
	 WHERE iif(e.type = 'object', e.value -> '$.counter.bytes', NULL) IS NOT NULL),
	(SELECT clean(iif(x.key = 'xt', lower(x.value ->> '$.name'), x.key))
	 FROM json_each(rule, '$.expr') e, json_each(iif(e.type = 'object', e.value, '{}')) x
	 WHERE x.key NOT IN ('match', 'counter', 'limit', 'log', 'xt') OR
		(x.key = 'xt' AND iif(x.type = 'object', x.value ->> '$.type', NULL) = 'target') ORDER BY e.key DESC LIMIT 1),
	(SELECT clean(group_concat(CASE
		WHEN x.key = 'match' AND x.type = 'object' THEN
			coalesce((x.value ->> '$.left.payload.protocol') || ' ' || (x.value ->> '$.left.payload.field'),
				 x.value ->> '$.left.meta.key', 'ct ' || (x.value ->> '$.left.ct.key'), x.value ->> '$.left', '?') ||
			iif(x.value ->> '$.op' IN ('==', 'in'), ' ', ' ' || coalesce(x.value ->> '$.op', '?') || ' ') ||
			coalesce(x.value ->> '$.right', '?')
		WHEN x.key = 'vmap' AND x.type = 'object' THEN
			coalesce((x.value ->> '$.key.payload.protocol') || ' ' || (x.value ->> '$.key.payload.field'),
				 x.value ->> '$.key.meta.key', 'ct ' || (x.value ->> '$.key.ct.key'), '?') || ' vmap ' ||
			coalesce(replace(replace(replace(replace(replace(replace(coalesce(x.value ->> '$.data.set', x.value ->> '$.data'), ',{"', ' : '),
				'":null}', ''), '],[', ', '), '[', ''), ']', ''), '"', ''), '?')
		WHEN x.key = 'limit' AND x.type = 'object' THEN
			'limit rate ' || iif(x.value ->> '$.inv', 'over ', '') || coalesce(x.value ->> '$.rate', '?') || coalesce(' ' || (x.value ->> '$.rate_unit'), '') ||
			'/' || coalesce(x.value ->> '$.per', '?') || coalesce(' burst ' || (x.value ->> '$.burst'), '')
		WHEN x.key IN ('snat', 'dnat') AND x.type = 'object' THEN
			x.key || ' to ' || coalesce(x.value ->> '$.addr', '') || coalesce(':' || (x.value ->> '$.port'), '')
		WHEN x.key IN ('jump', 'goto') AND x.type = 'object' THEN x.key || ' ' || coalesce(x.value ->> '$.target', '?')
		WHEN x.key = 'xt' AND x.type = 'object' THEN 'xt ' || coalesce(x.value ->> '$.name', '?')
		WHEN x.key = 'counter' THEN NULL
		ELSE x.key || coalesce(' ' || replace(replace(replace(x.value, '"', ''), '{', ''), '}', ''), '')
	 END, ' ') || coalesce(' # ' || (rule ->> '$.comment'), ''))
	 FROM json_each(rule, '$.expr') e, json_each(iif(e.type = 'object', e.value, '{}')) x)
FROM nft
WHERE json_type(rule) = 'object' AND
	NOT (rule ->> '$.table' IN ('filter', 'nat', 'mangle', 'raw', 'security') AND rule ->> '$.family' IN ('ip', 'ip6') AND
	     EXISTS (SELECT 1 FROM temp.saved o WHERE o.recording = nft.recording AND o.moment = nft.moment AND o.netns_id IS nft.netns_id AND
		o.what = iif(rule ->> '$.family' = 'ip6', 'ip6tables-nft', 'iptables-nft') AND o.chain = rule ->> '$.chain'));
DROP TABLE temp.saved;

-- tc filter show, of each place that can have filters: a line that lists the places, then for each a line that lists its filters
CREATE TEMP TABLE said AS
SELECT s.recording, s.moment, s.netns_id, s.netns, l.key AS number, iif(l.type = 'array', l.value, '[]') AS list
FROM (SELECT *, '[' || replace(rtrim(text, char(10)), char(10), ',') || ']' AS lists FROM snapshot WHERE what = 'filters') s,
	json_each(iif(json_valid(s.lists), s.lists, '[]')) l;
CREATE INDEX temp.said_place ON said (recording, moment, netns_id, number);

WITH filter AS (
	SELECT s.recording, s.moment, s.netns_id, s.netns, p.value ->> '$.dev' AS device, p.value ->> '$.parent' AS parent, f.key AS place, f.value AS filter
	FROM temp.said s JOIN json_each(s.list) p
	JOIN temp.said l ON l.recording = s.recording AND l.moment = s.moment AND l.netns_id IS s.netns_id AND l.number = p.key + 1
	JOIN json_each(l.list) f
	WHERE s.number = 0 AND p.type = 'object' AND f.type = 'object' AND json_type(f.value, '$.options') = 'object'
)
INSERT INTO rule
SELECT recording, moment, netns_id, netns, 'filters', 'tc', clean(device), clean(parent), place + 1,
	-- a policer counts all that it sees, and drops some of it
	(SELECT max(CAST(iif(a.value ->> '$.kind' = 'police', a.value ->> '$.stats.drops', a.value ->> '$.stats.packets') AS INTEGER))
	 FROM json_each(filter, '$.options.actions') a WHERE a.type = 'object'),
	(SELECT max(CAST(a.value ->> '$.stats.bytes' AS INTEGER)) FROM json_each(filter, '$.options.actions') a WHERE a.type = 'object'),
	coalesce((SELECT clean(iif(a.value ->> '$.kind' = 'gact', a.value ->> '$.control_action.type', a.value ->> '$.kind'))
		  FROM json_each(filter, '$.options.actions') a WHERE a.type = 'object' ORDER BY a.key DESC LIMIT 1),
		 iif(filter ->> '$.options."direct-action"', 'bpf', NULL)),
	clean('pref ' || coalesce(filter ->> '$.pref', '?') || iif(filter ->> '$.protocol' = 'all', '', coalesce(' protocol ' || (filter ->> '$.protocol'), '')) ||
		' ' || coalesce(filter ->> '$.kind', '?') ||
		coalesce((SELECT ' ' || group_concat(CASE o.key WHEN 'name' THEN 'program' WHEN 'value' THEN 'match' WHEN 'off' THEN 'at' ELSE o.key END || iif(o.type = 'true', '', ' ' || o.atom), ' ')
			FROM json_tree(filter, '$.options') o
			WHERE o.atom IS NOT NULL AND o.type <> 'false' AND o.fullkey NOT LIKE '$.options.actions%' AND o.key NOT IN ('handle', 'fh', 'order',
				'key_ht', 'bkt', 'not_in_hw', 'in_hw', 'in_hw_count', 'rule_hit', 'success', 'id', 'tag', 'jited', 'offmask', 'eth_type')), '') ||
		coalesce((SELECT group_concat(' action ' || iif(a.value ->> '$.kind' = 'gact', '', coalesce(a.value ->> '$.kind', '?') || ' ' ||
				coalesce((SELECT group_concat(o.key || ' ' || o.atom, ' ') || ' ' FROM json_tree(a.value) o
					WHERE o.atom IS NOT NULL AND replace(o.fullkey, '"', '') NOT LIKE '$.stats%' AND replace(o.fullkey, '"', '') NOT LIKE '$.control_action%' AND
						o.key NOT IN ('kind', 'order', 'index', 'ref', 'bind', 'installed', 'last_used', 'first_used', 'not_in_hw',
							'used_hw_stats', 'id', 'tag', 'jited', 'overhead')), '')) ||
				coalesce(a.value ->> '$.control_action.type', ''), '')
			FROM json_each(filter, '$.options.actions') a WHERE a.type = 'object'), ''))
FROM filter;
DROP TABLE temp.said;

-- iptables-save -c: *table, :CHAIN POLICY [packets:bytes], [packets:bytes] -A CHAIN and what it asks for
WITH save AS (
	SELECT *, sum(line LIKE '*%') OVER (PARTITION BY recording, moment, netns_id, what ORDER BY number) AS section,
		substr(line, instr(line, '[') + 1) AS counts,
		iif(line LIKE ':%', substr(line, 2), substr(line, instr(line, ' -A ') + 4)) || ' ' AS tail
	FROM temp.line
	WHERE what IN ('iptables', 'ip6tables', 'iptables-nft', 'ip6tables-nft')
), part AS (
	SELECT *, first_value(line) OVER (PARTITION BY recording, moment, netns_id, what, section ORDER BY number) AS head,
		substr(tail, 1, instr(tail, ' ') - 1) AS chain, substr(tail, instr(tail, ' ') + 1) AS rest
	FROM save
), target AS (
	SELECT *, iif(line LIKE ':%', rest, substr(rest, instr(rest, '-j ') + 3)) AS aim,
		sum(line LIKE '[%') OVER (PARTITION BY recording, moment, netns_id, what, section, chain ORDER BY number) AS place
	FROM part
)
INSERT INTO rule
SELECT recording, moment, netns_id, netns, what, iif(what LIKE 'ip6%', 'ip6', 'ip'), clean(substr(head, 2)), clean(chain), place,
	CAST(counts AS INTEGER), CAST(substr(counts, instr(counts, ':') + 1) AS INTEGER), clean(lower(substr(aim, 1, instr(aim, ' ') - 1))),
	clean(iif(line LIKE ':%', 'policy ' || substr(aim, 1, instr(aim, ' ') - 1), trim(rest)))
FROM target
WHERE line LIKE '[%] -A %' OR (line LIKE ':%' AND rest NOT LIKE '- %')
ORDER BY recording, moment, netns_id, what, number;

DROP TABLE temp.line;
