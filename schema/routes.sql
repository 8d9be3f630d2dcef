-- SPDX-License-Identifier: GPL-2.0
-- routes.sql - what pktshow --explain asks of the snapshots of routes, policy rules, neighbours and queues: see
-- analyze/routes.c.  A comment names each statement.
-- The text may come from a stranger: what has another shape gives no row, and never an error.  What netlink told in place
-- of ip(8) has numbers where that has words.

-- known
SELECT netns_id, moment = 'end', what, source LIKE 'netlink %'
FROM snapshot
WHERE json_valid(text);

-- routes
SELECT s.netns_id, s.moment = 'end', iif(s.what = 'routes', 4, 6), r.key,
	coalesce(nullif(r.value ->> '$.dst', 'default'), iif(s.what = 'routes', '0.0.0.0', '::')) ||
		coalesce('/' || CAST(r.value ->> '$.dst_len' AS INTEGER), iif(coalesce(r.value ->> '$.dst', 'default') = 'default', '/0', '')),
	coalesce(r.value ->> '$.from', r.value ->> '$.src', ''),
	CASE CAST(coalesce(r.value ->> '$.table', 'main') AS TEXT) WHEN '254' THEN 'main' WHEN '255' THEN 'local' WHEN '253' THEN 'default'
		ELSE clean(coalesce(r.value ->> '$.table', 'main')) END,
	CASE CAST(coalesce(r.value ->> '$.type', 'unicast') AS TEXT) WHEN '1' THEN 'unicast' WHEN '2' THEN 'local' WHEN '3' THEN 'broadcast'
		WHEN '4' THEN 'anycast' WHEN '5' THEN 'multicast' WHEN '6' THEN 'blackhole' WHEN '7' THEN 'unreachable' WHEN '8' THEN 'prohibit'
		WHEN '9' THEN 'throw' ELSE clean(coalesce(r.value ->> '$.type', 'unicast')) END,
	coalesce(n.value ->> '$.dev', r.value ->> '$.dev', ''),
	clean(coalesce(n.value ->> '$.gateway', n.value ->> '$.via.host', r.value ->> '$.gateway', r.value ->> '$.via.host', '')),
	clean(coalesce(r.value ->> '$.prefsrc', '')),
	CAST(coalesce(r.value ->> '$.metric', 0) AS INTEGER),
	CAST(coalesce(r.value ->> '$.tos', '0') AS TEXT) NOT IN ('0', '0x00'),
	coalesce(r.value ->> '$.flags', '') LIKE '%dead%' OR coalesce(n.value ->> '$.flags', '') LIKE '%dead%',
	coalesce(r.value ->> '$.flags', '') LIKE '%linkdown%' OR coalesce(n.value ->> '$.flags', '') LIKE '%linkdown%'
FROM snapshot s, json_each(iif(s.what IN ('routes', 'routes6') AND json_valid(s.text), s.text, '[]')) r
LEFT JOIN json_each(iif(r.type = 'object' AND json_type(r.value, '$.nexthops') = 'array', r.value -> '$.nexthops', '[]')) n ON n.type = 'object'
WHERE r.type = 'object' AND coalesce(r.value ->> '$.type', '') <> 'cache';

-- policies
-- (the third from last: it asks for what no hop shows; the last: in words)
SELECT s.netns_id, s.moment = 'end', iif(s.what = 'rules', 4, 6), CAST(r.value ->> '$.priority' AS INTEGER),
	iif(coalesce(r.value ->> '$.src', 'all') = 'all', '', (r.value ->> '$.src') || coalesce('/' || CAST(r.value ->> '$.srclen' AS INTEGER), '')),
	iif(coalesce(r.value ->> '$.dst', 'all') = 'all', '', (r.value ->> '$.dst') || coalesce('/' || CAST(r.value ->> '$.dstlen' AS INTEGER), '')),
	coalesce(r.value ->> '$.fwmark', ''), coalesce(r.value ->> '$.fwmask', ''),
	coalesce(r.value ->> '$.iif', ''),
	CASE CAST(coalesce(r.value ->> '$.table', '') AS TEXT) WHEN '254' THEN 'main' WHEN '255' THEN 'local' WHEN '253' THEN 'default'
		ELSE clean(coalesce(r.value ->> '$.table', '')) END,
	iif(json_type(r.value, '$.nop') IS NOT NULL, 'nop', clean(coalesce(r.value ->> '$.action', ''))),
	CAST(coalesce(r.value ->> '$.goto', -1) AS INTEGER),
	CAST(coalesce(r.value ->> '$.suppress_prefixlength', r.value ->> '$.suppress_prefixlen', -1) AS INTEGER),
	json_type(r.value, '$.not') IS NOT NULL,
	EXISTS (SELECT 1 FROM json_each(r.value) k WHERE k.key NOT IN ('priority', 'src', 'srclen', 'dst', 'dstlen', 'fwmark', 'fwmask', 'iif',
		'table', 'action', 'nop', 'goto', 'suppress_prefixlength', 'suppress_prefixlen', 'not', 'protocol', 'flags', 'tos') OR
		(k.key = 'tos' AND CAST(k.value AS TEXT) NOT IN ('0', '0x00')) OR (k.key = 'flags' AND k.type = 'integer' AND k.value <> 0)),
	s.source LIKE 'netlink %',
	clean('policy rule ' || CAST(r.value ->> '$.priority' AS TEXT) || ' (' || coalesce((SELECT group_concat(CASE
			WHEN k.type IN ('true', 'null') THEN k.key
			WHEN k.key = 'src' THEN 'from ' || k.value || coalesce('/' || (r.value ->> '$.srclen'), '')
			WHEN k.key = 'dst' THEN 'to ' || k.value || coalesce('/' || (r.value ->> '$.dstlen'), '')
			ELSE k.key || ' ' || CAST(k.value AS TEXT)
		END, ' ') FROM json_each(r.value) k
		WHERE k.key NOT IN ('priority', 'table', 'protocol', 'flags', 'srclen', 'dstlen') AND k.value IS NOT 'all' AND
			NOT (k.key IN ('tos', 'action') AND k.type = 'integer')), 'all packets') || ')')
FROM snapshot s, json_each(iif(s.what IN ('rules', 'rules6') AND json_valid(s.text), s.text, '[]')) r
WHERE r.type = 'object' AND json_type(r.value, '$.priority') = 'integer'
ORDER BY s.netns_id, s.moment, s.what, CAST(r.value ->> '$.priority' AS INTEGER), r.key;

-- neighbours
-- (bits of the states as netlink has them)
SELECT s.netns_id, s.moment = 'end', n.value ->> '$.dst', n.value ->> '$.dev', clean(coalesce(n.value ->> '$.lladdr', '')),
	CASE json_type(n.value, '$.state') WHEN 'array' THEN clean(coalesce(n.value ->> '$.state[0]', ''))
	ELSE CASE CAST(coalesce(n.value ->> '$.state', 0) AS INTEGER) WHEN 1 THEN 'INCOMPLETE' WHEN 2 THEN 'REACHABLE' WHEN 4 THEN 'STALE'
		WHEN 8 THEN 'DELAY' WHEN 16 THEN 'PROBE' WHEN 32 THEN 'FAILED' WHEN 64 THEN 'NOARP' WHEN 128 THEN 'PERMANENT' ELSE '' END END
FROM snapshot s, json_each(iif(s.what = 'neighbours' AND json_valid(s.text), s.text, '[]')) n
WHERE n.type = 'object' AND json_type(n.value, '$.dst') = 'text' AND json_type(n.value, '$.dev') = 'text';

-- queues
-- (of a device: the root's kind, and how many others of which kind hang below it)
SELECT netns_id, moment = 'end', dev, max(iif(root, kind, '')), clean(group_concat(CASE WHEN NOT root AND first THEN iif(n > 1, n || ' ', '') || kind END, ', ')),
	sum(root)
FROM (SELECT s.netns_id, s.moment, q.value ->> '$.dev' AS dev, clean(q.value ->> '$.kind') AS kind, json_type(q.value, '$.root') IS 'true' AS root,
		count(*) OVER same AS n, row_number() OVER same = 1 AS first
	FROM snapshot s, json_each(iif(s.what = 'qdiscs' AND json_valid(s.text), s.text, '[]')) q
	WHERE q.type = 'object' AND json_type(q.value, '$.kind') = 'text' AND json_type(q.value, '$.dev') = 'text' AND
		q.value ->> '$.kind' NOT IN ('ingress', 'clsact')
	WINDOW same AS (PARTITION BY s.netns_id, s.moment, q.value ->> '$.dev', q.value ->> '$.kind', json_type(q.value, '$.root') IS 'true'
		ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))
GROUP BY netns_id, moment, dev;
