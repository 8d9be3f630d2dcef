-- packets made of others: clones, segments, fragments, merges; how many of each, where, for example which
-- SPDX-License-Identifier: GPL-2.0
SELECT recording, kind, function, count(*) AS times, count(DISTINCT parent) AS parents, count(DISTINCT child) AS children,
	min(parent) AS example_parent, min(child) AS example_child
FROM lineage
GROUP BY recording, kind, function
ORDER BY recording, times DESC, kind, function;
