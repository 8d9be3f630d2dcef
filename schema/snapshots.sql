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
WHERE s.what IN ('iptables', 'ip6tables', 'iptables-nft', 'ip6tables-nft', 'snmp', 'snmp6', 'netstat') AND l.value <> '';

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

-- /proc/net/snmp6: a name, blanks, a tab (made visible when it was read, as /x09), a number
INSERT INTO counter
SELECT recording, moment, netns_id, netns, clean(substr(words, 1, instr(words, ' ') - 1)), CAST(substr(words, instr(words, ' ')) AS INTEGER)
FROM (SELECT *, replace(line, '/x09', ' ') || ' ' AS words FROM temp.line WHERE what = 'snmp6');

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
		WHEN x.key IN ('jump', 'goto') AND x.type = 'object' THEN x.key || ' ' || coalesce(x.value ->> '$.target', '?')
		WHEN x.key = 'xt' AND x.type = 'object' THEN 'xt ' || coalesce(x.value ->> '$.name', '?')
		WHEN x.key = 'counter' THEN NULL
		ELSE x.key || coalesce(' ' || replace(replace(replace(x.value, '"', ''), '{', ''), '}', ''), '')
	 END, ' ') || coalesce(' # ' || (rule ->> '$.comment'), ''))
	 FROM json_each(rule, '$.expr') e, json_each(iif(e.type = 'object', e.value, '{}')) x)
FROM nft
WHERE json_type(rule) = 'object' AND
	NOT (rule ->> '$.table' IN ('filter', 'nat', 'mangle', 'raw', 'security') AND rule ->> '$.family' IN ('ip', 'ip6') AND
	     EXISTS (SELECT 1 FROM snapshot o WHERE o.recording = nft.recording AND o.moment = nft.moment AND o.netns_id IS nft.netns_id AND
		o.what = iif(rule ->> '$.family' = 'ip6', 'ip6tables-nft', 'iptables-nft') AND o.text <> ''));

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
