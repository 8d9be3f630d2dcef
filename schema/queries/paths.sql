-- the ways that packets took: how many, how long, from where to where, with what fate; @paths, then path_hop for one
-- SPDX-License-Identifier: GPL-2.0
SELECT p.recording, p.path, count(*) AS packets, p.first_function, p.fate_function, group_concat(DISTINCT p.fate) AS fates,
	max(p.hops) AS hops, CAST(percentile(p.took_ns, 50) AS INTEGER) AS median_ns, max(p.took_ns) AS max_ns, min(p.packet) AS example
FROM packet p
GROUP BY p.recording, p.path
ORDER BY p.recording, packets DESC, p.path;
