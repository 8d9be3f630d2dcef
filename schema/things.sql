-- SPDX-License-Identifier: GPL-2.0
-- things.sql - the state of two systems as things that can be compared: what pktdiff(1) makes of snapshots.
--
-- recording is 1 or 2, netns the name that a namespace has in both; things with the same kind, netns and name are the
-- same thing, and differ when their values do.  What another boot changes by itself (hardware addresses, handles, timers)
-- is left out.  The text may come from a stranger: what is no JSON or has another shape gives no row, and never an error.

CREATE TEMP TABLE thing (
	recording INTEGER, moment TEXT, netns TEXT,
	what TEXT,		-- the snapshot that it is from
	kind TEXT,		-- rule, chain, set, route, policy, sysctl, device, address, qdisc, neighbour, fdb, xfrm, lladdr, counter
	name TEXT,
	value TEXT,		-- '': that it is there is all
	say TEXT,		-- the whole of it, for people
	device TEXT,		-- that it is about
	prefix TEXT,		-- the addresses that it is about
	hook TEXT,		-- of a rule: where it is asked, NULL: not known
	action TEXT,		-- of a rule
	packets INTEGER		-- what it has counted, NULL: it does not count
);

-- --- firewalls

CREATE TEMP TABLE hook (chain TEXT PRIMARY KEY, hook TEXT);
INSERT INTO temp.hook VALUES
	('PREROUTING', 'PRE_ROUTING'), ('INPUT', 'LOCAL_IN'), ('FORWARD', 'FORWARD'), ('OUTPUT', 'LOCAL_OUT'),
	('POSTROUTING', 'POST_ROUTING'), ('prerouting', 'PRE_ROUTING'), ('input', 'LOCAL_IN'), ('forward', 'FORWARD'),
	('output', 'LOCAL_OUT'), ('postrouting', 'POST_ROUTING'), ('ingress', 'INGRESS'), ('egress', 'EGRESS');

CREATE TEMP TABLE nft AS
SELECT s.recording, s.moment, s.netns, clean(o.key) AS kind, clean(o.value ->> '$.family') AS family,
	clean(o.value ->> '$.table') AS "table", clean(o.value ->> '$.name') AS name, clean(o.value ->> '$.hook') AS hook,
	clean(o.value ->> '$.dev') AS device, o.value AS object
FROM snapshot s, json_each(iif(s.what = 'nftables' AND json_valid(s.text), s.text, '{}'), '$.nftables') r,
	json_each(iif(r.type = 'object', r.value, '{}')) o
WHERE o.type = 'object' AND o.key IN ('chain', 'set', 'map');
CREATE INDEX temp.nft_place ON nft (recording, moment, netns, kind, family, "table", name);

INSERT INTO temp.thing
SELECT recording, moment, netns, 'nftables', 'chain', 'chain ' || family || ' ' || "table" || ' ' || name,
	'hook ' || hook || ', priority ' || coalesce(object ->> '$.prio', '?') || ', policy ' || coalesce(clean(object ->> '$.policy'), 'accept') ||
	coalesce(', device ' || device, ''),
	'chain ' || family || ' ' || "table" || ' ' || name || ' (hook ' || hook || ', policy ' || coalesce(clean(object ->> '$.policy'), 'accept') || ')',
	device, NULL, (SELECT iif(family = 'arp', replace(h.hook, 'LOCAL_', ''), h.hook) FROM temp.hook h WHERE h.chain = nft.hook), clean(object ->> '$.policy'), NULL
FROM temp.nft
WHERE kind = 'chain' AND hook IS NOT NULL;

INSERT INTO temp.thing
SELECT recording, moment, netns, 'nftables', 'set', kind || ' ' || family || ' ' || "table" || ' ' || name,
	coalesce(clean(replace(replace(replace(object ->> '$.elem', '["', ''), '"]', ''), '","', ', ')), 'no elements'),
	kind || ' ' || family || ' ' || "table" || ' ' || name || ' (' || coalesce(clean(replace(replace(replace(object ->> '$.elem', '["', ''), '"]', ''), '","', ', ')), 'no elements') || ')',
	NULL, NULL, NULL, NULL, NULL
FROM temp.nft
WHERE kind IN ('set', 'map');

-- number 0 is a chain's policy
INSERT INTO temp.thing
SELECT recording, moment, netns, source, iif(number = 0 AND source <> 'nftables', 'chain', 'rule'),
	iif(number = 0 AND source <> 'nftables', 'policy of chain ' || family || ' ' || "table" || ' ' || chain,
		source || ' ' || family || ' ' || "table" || ' ' || chain || ': ' || coalesce(rule, '')),
	iif(number = 0 AND source <> 'nftables', coalesce(action, ''), ''),
	iif(number = 0 AND source <> 'nftables', 'policy ' || coalesce(action, '') || ' of ', 'rule "' || iif(source = 'nftables',
		replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(coalesce(rule, ''), 'mangle key:payload:protocol:', ''),
		',field:', ' '), ',value:', ' set '), '{"prefix":{"addr":"', ''), '","len":', '/'), '":', ' '), '"', ''), '{', ''), '}', ''), '[', ''), ']', ''),
		coalesce(rule, '')) || '" of ') ||
		source || ' chain ' ||
		iif(source = 'nftables', family || ' ', '') || "table" || ' ' || chain,
	(SELECT n.device FROM temp.nft n WHERE r.source = 'nftables' AND n.kind = 'chain' AND n.recording = r.recording AND n.moment = r.moment AND
		n.netns IS r.netns AND n.family = r.family AND n."table" = r."table" AND n.name = r.chain),
	NULL,
	iif(source = 'nftables',
		(SELECT iif(n.family = 'arp', replace(h.hook, 'LOCAL_', ''), h.hook) FROM temp.nft n JOIN temp.hook h ON h.chain = n.hook WHERE n.kind = 'chain' AND n.recording = r.recording AND
			n.moment = r.moment AND n.netns IS r.netns AND n.family = r.family AND n."table" = r."table" AND n.name = r.chain),
		(SELECT h.hook FROM temp.hook h WHERE h.chain = r.chain)),
	action, packets
FROM rule r
WHERE source <> 'filters';

-- filters of traffic control; the programs of those of BPF decide themselves
INSERT INTO temp.thing
SELECT recording, moment, netns, source, 'rule', 'tc filter ' || "table" || ' ' || chain || ': ' || coalesce(rule, ''), '',
	'tc filter "' || coalesce(rule, '') || '" ' || iif(chain IN ('ingress', 'egress'), 'at the ' || chain || ' of ', 'of qdisc ' || chain || ' of ') || "table",
	"table", NULL, CASE chain WHEN 'ingress' THEN 'TC_INGRESS' WHEN 'egress' THEN 'TC_EGRESS' ELSE 'TC' END, action, packets
FROM rule
WHERE source = 'filters';

-- --- routes, policy rules, addresses, neighbours

INSERT INTO temp.thing
SELECT s.recording, s.moment, s.netns, s.what, 'route',
	'route ' || clean(r.value ->> '$.dst') || coalesce(' table ' || nullif(clean(r.value ->> '$.table'), 'main'), '') ||
		coalesce(' metric ' || CAST(r.value ->> '$.metric' AS TEXT), '') || coalesce(' tos ' || clean(r.value ->> '$.tos'), ''),
	trim(coalesce(nullif(clean(r.value ->> '$.type'), 'unicast'), '') || coalesce(' via ' || clean(coalesce(r.value ->> '$.gateway', r.value ->> '$.via.host')), '') ||
		coalesce(' dev ' || clean(r.value ->> '$.dev'), '') || coalesce(' src ' || clean(r.value ->> '$.prefsrc'), '') ||
		coalesce(' ' || clean(nullif(r.value ->> '$.flags', '[]')), '') || coalesce(' nexthops ' || clean(r.value ->> '$.nexthops'), '') ||
		coalesce(' ' || clean(replace(replace(replace(replace(replace(replace(r.value ->> '$.metrics', '[', ''), ']', ''), '{', ''), '}', ''), '":', ' '), '"', '')), '')),
	NULL, clean(r.value ->> '$.dev'), iif(r.value ->> '$.dst' = 'default', iif(s.what = 'routes', '0.0.0.0/0', '::/0'), clean(r.value ->> '$.dst')),
	NULL, clean(coalesce(r.value ->> '$.type', 'unicast')), NULL
FROM snapshot s, json_each(iif(s.what IN ('routes', 'routes6') AND json_valid(s.text), s.text, '[]')) r
WHERE r.type = 'object' AND coalesce(r.value ->> '$.type', '') NOT IN ('broadcast', 'anycast', 'multicast') AND
	coalesce(r.value ->> '$.dst', 'fe80:') NOT LIKE 'fe80:%' AND r.value ->> '$.dst' NOT LIKE 'ff00:%';

INSERT INTO temp.thing
SELECT s.recording, s.moment, s.netns, s.what, 'policy', 'policy rule ' || CAST(r.value ->> '$.priority' AS TEXT) || iif(s.what = 'rules6', ' (IPv6)', ''),
	clean(replace(replace(replace(replace(replace(r.value, '{', ''), '}', ''), '":', ' '), '"', ''), ',', ', ')), NULL, clean(coalesce(r.value ->> '$.iif', r.value ->> '$.oif')), NULL, NULL,
	clean(r.value ->> '$.action'), NULL
FROM snapshot s, json_each(iif(s.what IN ('rules', 'rules6') AND json_valid(s.text), s.text, '[]')) r
WHERE r.type = 'object';

INSERT INTO temp.thing
SELECT s.recording, s.moment, s.netns, s.what, 'neighbour', 'neighbour ' || clean(n.value ->> '$.dst') || ' on ' || clean(n.value ->> '$.dev'),
	iif(n.value ->> '$.state[0]' = 'PERMANENT', 'permanently ' || coalesce(clean(n.value ->> '$.lladdr'), '?'), clean(n.value ->> '$.state[0]')), NULL,
	clean(n.value ->> '$.dev'), clean(n.value ->> '$.dst'), NULL, NULL, NULL
FROM snapshot s, json_each(iif(s.what = 'neighbours' AND json_valid(s.text), s.text, '[]')) n
WHERE n.type = 'object' AND n.value ->> '$.state[0]' IN ('FAILED', 'INCOMPLETE', 'PERMANENT');

CREATE TEMP TABLE device AS
SELECT s.recording, s.moment, s.netns, clean(d.value ->> '$.ifname') AS device, clean(d.value ->> '$.address') AS address, d.value AS object
FROM snapshot s, json_each(iif(s.what = 'addresses' AND json_valid(s.text), s.text, '[]')) d
WHERE d.type = 'object' AND d.value ->> '$.ifname' IS NOT NULL;
CREATE INDEX temp.device_address ON device (recording, moment, netns, address);

-- those of a link's own making are as random as its hardware address
INSERT INTO temp.thing
SELECT d.recording, d.moment, d.netns, 'addresses', 'address',
	'address ' || clean(a.value ->> '$.local') || '/' || CAST(a.value ->> '$.prefixlen' AS INTEGER) || ' on ' || d.device,
	iif(a.value ->> '$.tentative', 'tentative', '') || iif(a.value ->> '$.dadfailed', 'duplicate', ''), NULL, d.device,
	clean(a.value ->> '$.local') || '/' || CAST(a.value ->> '$.prefixlen' AS INTEGER), NULL, NULL, NULL
FROM temp.device d, json_each(d.object, '$.addr_info') a
WHERE a.type = 'object' AND a.value ->> '$.local' NOT LIKE 'fe80:%';

-- --- devices: all that ip -d link says, but for what is random, measured, or follows from the rest

INSERT INTO temp.thing
SELECT recording, moment, netns, 'addresses', 'device', 'device ' || device, '', NULL, device, NULL, NULL, NULL, NULL FROM temp.device;

INSERT INTO temp.thing
SELECT recording, moment, netns, 'addresses', 'device', 'device ' || device || ' state',
	iif(EXISTS (SELECT 1 FROM json_each(object, '$.flags') WHERE value = 'UP'),
		iif(EXISTS (SELECT 1 FROM json_each(object, '$.flags') WHERE value = 'LOWER_UP'), 'up', 'up, but without carrier'), 'down'),
	NULL, device, NULL, NULL, NULL, NULL
FROM temp.device;

INSERT INTO temp.thing
SELECT d.recording, d.moment, d.netns, 'addresses', 'device', 'device ' || d.device || ' ' || clean(f.value), 'set', NULL, d.device, NULL, NULL, NULL, NULL
FROM temp.device d, json_each(d.object, '$.flags') f
WHERE f.value IN ('NOARP', 'PROMISC', 'ALLMULTI', 'DORMANT');

-- of hardware they are no setting; but who has got another one is not reached
INSERT INTO temp.thing
SELECT recording, moment, netns, 'addresses', 'lladdr', 'link-layer address of ' || device, clean(object ->> '$.address'), NULL, device, NULL, NULL, NULL, NULL
FROM temp.device
WHERE object ->> '$.address' IS NOT NULL AND device <> 'lo';

-- a program of XDP is one thing
INSERT INTO temp.thing
SELECT recording, moment, netns, 'addresses', 'device', 'device ' || device || ' xdp', program,
	'XDP program ' || program || ' on device ' || device, device, NULL, NULL, NULL, NULL
FROM (SELECT *, coalesce(clean(object ->> '$.xdp.prog.name'), 'without a name') || coalesce(' (tag ' || clean(object ->> '$.xdp.prog.tag') || ', ' ||
		CASE object ->> '$.xdp.mode' WHEN 1 THEN 'in the driver' WHEN 2 THEN 'generic' WHEN 3 THEN 'in hardware' ELSE '?' END || ')', '') AS program
	FROM temp.device WHERE object ->> '$.xdp.mode' > 0);

CREATE TEMP TABLE leaf AS	-- every value of the object, by its place
SELECT d.recording, d.moment, d.netns, d.device, f.key, f.atom, replace(substr(f.fullkey, 3), '"', '') AS place
FROM temp.device d, json_tree(d.object) f
WHERE f.type NOT IN ('array', 'object');

INSERT INTO temp.thing
SELECT recording, moment, netns, 'addresses', 'device',
	'device ' || device || ' ' || clean(replace(replace(replace(replace(place, 'linkinfo.info_slave_data.', 'port '), 'linkinfo.info_data.', ''),
		'linkinfo.', ''), 'info_kind', 'kind')),
	clean(atom), NULL, device, NULL, NULL, NULL, NULL
FROM temp.leaf
WHERE place NOT LIKE 'addr_info%' AND place NOT LIKE 'xdp.%' AND place NOT LIKE 'stats64%' AND place NOT LIKE 'flags[%' AND
	key NOT IN ('ifname', 'ifindex', 'link_index', 'link_netnsid', 'address', 'broadcast', 'operstate', 'qdisc', 'promiscuity', 'allmulti', 'id', 'root_id',
		'bridge_id', 'designated_bridge', 'designated_root', 'root', 'group', 'permaddr', 'hello_timer', 'tcn_timer', 'gc_timer', 'topology_change_timer',
		'topology_change', 'topology_change_detected', 'message_age_timer', 'forward_delay_timer', 'hold_timer', 'root_path_cost', 'root_port',
		'no', 'designated_port', 'designated_cost', 'config_pending', 'topology_change_ack', 'bridge', 'multicast_router', 'num_tx_queues', 'num_rx_queues',
		'numtxqueues', 'numrxqueues', 'load_time', 'created_by_uid', 'btf_id', 'jited', 'parentdev', 'parentbus', 'phys_port_id', 'phys_switch_id',
		'inet6_addr_gen_mode', 'fdb_n_learned', 'mcast_n_groups', 'fdb_max_learned', 'mcast_max_groups')
	OR place IN ('linkinfo.info_data.id', 'linkinfo.info_data.group');	-- of a VXLAN, a VLAN

-- --- queues, settings, counters

INSERT INTO temp.thing
SELECT s.recording, s.moment, s.netns, s.what, 'qdisc', 'qdisc of ' || clean(q.value ->> '$.dev') || iif(q.value ->> '$.root', '', ' ' || coalesce(clean(q.value ->> '$.parent'), '')),
	clean(q.value ->> '$.kind') || clean(replace(replace(replace(replace(replace(iif(coalesce(q.value -> '$.options', '{}') = '{}', '', ' ' || json_remove(q.value -> '$.options', '$.direct_packets_stat')), '":', ' '), '"', ''), '{', ''), '}', ''), ',', ', ')),
	NULL, clean(q.value ->> '$.dev'), NULL, NULL, clean(q.value ->> '$.kind'), CAST(q.value ->> '$.drops' AS INTEGER)
FROM snapshot s, json_each(iif(s.what = 'qdiscs' AND json_valid(s.text), s.text, '[]')) q
WHERE q.type = 'object' AND q.value ->> '$.kind' IS NOT NULL;

-- lines "name = value"; a backslash becomes a stroke, so that the only \n are ends of lines
INSERT INTO temp.thing
SELECT recording, moment, netns, what, 'sysctl', clean(trim(substr(line, 1, instr(line, ' = ') - 1))), clean(trim(substr(line, instr(line, ' = ') + 3))),
	NULL, NULL, NULL, NULL, NULL, NULL
FROM (SELECT s.*, l.value AS line FROM snapshot s, json_each('[' || replace(json_quote(replace(s.text, '\', '/')), '\n', '","') || ']') l
	WHERE s.what = 'sysctls')
WHERE instr(line, ' = ') AND line NOT GLOB '*_seed = *' AND line NOT GLOB '*hash_entries*' AND line NOT GLOB '*.nf_conntrack_count = *' AND line NOT GLOB 'net.ipv[46].conf.default.*';

-- of the settings of a device, its name: what lies before the last dot
UPDATE temp.thing SET device = nullif(rtrim(rtrim(substr(name, 15), replace(substr(name, 15), '.', '')), '.'), 'all')
WHERE kind = 'sysctl' AND name GLOB 'net.ipv[46].conf.*';

-- what is known of link-layer addresses, when it was not learnt: of a bridge, and by whom the others are reached of a VXLAN
INSERT INTO temp.thing
SELECT s.recording, s.moment, s.netns, s.what, 'fdb', 'forwarding entry ' || clean(f.value ->> '$.lladdr') || coalesce(' vlan ' || CAST(f.value ->> '$.vlan' AS INTEGER), '') ||
		coalesce(' of ' || clean(f.value ->> '$.master'), ''),
	'to ' || coalesce(clean(f.value ->> '$.dev'), '?') || coalesce(' dst ' || clean(f.value ->> '$.dst'), ''), NULL, clean(f.value ->> '$.dev'), NULL, NULL, NULL, NULL
FROM snapshot s, json_each(iif(s.what = 'fdb' AND json_valid(s.text), s.text, '[]')) f
WHERE f.type = 'object' AND f.value ->> '$.lladdr' NOT LIKE '33:33:%' AND f.value ->> '$.lladdr' NOT LIKE '01:00:5e:%' AND
	((f.value ->> '$.state' IN (64, 128) AND f.value ->> '$.master' IS NOT NULL) OR f.value ->> '$.dst' IS NOT NULL) AND
	NOT EXISTS (SELECT 1 FROM temp.device d WHERE d.recording = s.recording AND d.moment = s.moment AND d.netns IS s.netns AND	-- a port's own
		d.address = clean(f.value ->> '$.lladdr'));

-- ip xfrm policy: "src A dst B", then indented lines; the numbers and dates of "lifetime" and below are of no use
INSERT INTO temp.thing
SELECT recording, moment, netns, what, 'xfrm', 'IPsec policy ' || selector || ' ' || direction, iif(text LIKE '%action block%', 'block', 'allow'),
	NULL, NULL, substr(selector, 5, instr(selector, ' dst ') - 5), NULL, NULL, NULL
FROM (SELECT recording, moment, netns, what, clean(trim(substr(text, 1, instr(text || char(10), char(10)) - 1))) AS selector,
		CASE WHEN text LIKE '%dir in %' THEN 'in' WHEN text LIKE '%dir out %' THEN 'out' WHEN text LIKE '%dir fwd %' THEN 'fwd' ELSE '?' END AS direction, text
	FROM (SELECT s.recording, s.moment, s.netns, s.what, 'src ' || p.value AS text
		FROM snapshot s, json_each('[' || replace(json_quote(replace(replace(char(10) || s.text, '\', '/'), char(10) || 'src ', char(1))), '\u0001', '","') || ']') p
		WHERE s.what = 'xfrm-policies' AND p.key > 0));

INSERT INTO temp.thing
SELECT recording, moment, netns, 'snmp', 'counter', counter, '', NULL, NULL, NULL, NULL, NULL, value FROM counter;

-- --- the comparison: what each side has at its end (or at its start, when it has no end), and what it had at its start

-- snapshots that are whole, of namespaces that both have; what netlink tells in place of a tool that was too slow has
-- another shape, and is compared with its like alone
CREATE TEMP TABLE whole AS
SELECT netns, what, recording, moment, source LIKE 'netlink %' AS netlink
FROM snapshot
WHERE note IS NULL OR note LIKE 'not asked%';

CREATE TEMP TABLE taken AS
SELECT l.netns, l.what, l.recording, l.last, l.netlink,
	EXISTS (SELECT 1 FROM temp.whole w WHERE w.netns IS l.netns AND w.what = l.what AND w.recording = l.recording AND w.moment = 'start' AND
		w.netlink = l.netlink) AS start
FROM (SELECT netns, what, recording, min(moment) AS last, netlink FROM temp.whole GROUP BY netns, what, recording) l;	-- netlink of that moment

CREATE TEMP TABLE both AS
SELECT a.netns, a.what, a.last AS last_a, b.last AS last_b,
	a.start AND b.start AS began,		-- what was at the start can be compared,
	a.start AND a.last = 'end' AND b.start AND b.last = 'end' AS passed	-- and what was counted until the end
FROM temp.taken a JOIN temp.taken b ON a.netns IS b.netns AND a.what = b.what AND a.netlink = b.netlink AND a.recording = 1 AND b.recording = 2;

CREATE TEMP TABLE pivot AS
SELECT t.netns, t.kind, t.name,
	max(iif(t.recording = 1 AND t.moment = last_a, t.value, NULL)) AS value_a,
	max(iif(t.recording = 2 AND t.moment = last_b, t.value, NULL)) AS value_b,
	max(iif(t.recording = 1 AND t.moment = 'start', t.value, NULL)) AS was_a,
	max(iif(t.recording = 2 AND t.moment = 'start', t.value, NULL)) AS was_b,
	coalesce(max(t.say), '') AS say, max(t.device) AS device, max(t.prefix) AS prefix, max(t.hook) AS hook,
	max(iif(t.recording = 1, t.action, NULL)) AS action_a, max(iif(t.recording = 2, t.action, NULL)) AS action_b,
	sum(iif(t.recording = 1 AND t.moment = 'end', t.packets, 0)) - sum(iif(t.recording = 1 AND t.moment = 'start', t.packets, 0)) AS moved_a,
	sum(iif(t.recording = 2 AND t.moment = 'end', t.packets, 0)) - sum(iif(t.recording = 2 AND t.moment = 'start', t.packets, 0)) AS moved_b,
	max(t.packets IS NOT NULL AND passed) AS counts, max(began) AS began
FROM temp.thing t JOIN temp.both b ON b.netns IS t.netns AND b.what = t.what
GROUP BY t.netns, t.kind, t.name;

CREATE INDEX temp.pivot_name ON pivot (netns, kind, name);

-- settings of the whole machine, which only its first namespace shows
CREATE TEMP TABLE machine (name TEXT);
INSERT INTO temp.machine VALUES
	('net.core.netdev_*'), ('net.core.dev_weight*'), ('net.core.busy_*'), ('net.core.rps_sock_flow_entries'), ('net.core.default_qdisc'),
	('net.core.flow_limit*'), ('net.core.tstamp_*'), ('net.core.max_skb_frags'), ('net.core.skb_defer_max'), ('net.core.gro_*'),
	('net.core.high_order_*'), ('net.core.rmem_*'), ('net.core.wmem_*'), ('net.ipv4.tcp_mem'), ('net.ipv4.udp_mem'), ('net.ipv4.inet_peer_*');

-- "difference" is read by analyze/diff_system.c
CREATE TEMP VIEW difference AS
SELECT kind, iif(kind = 'sysctl' AND EXISTS (SELECT 1 FROM temp.machine m WHERE pivot.name GLOB m.name), '', coalesce(netns, '')) AS netns, name, say, value_a, value_b, was_a, was_b, coalesce(device, '') AS device, coalesce(prefix, '') AS prefix, coalesce(hook, '') AS hook,
	coalesce(action_a, '') AS action_a, coalesce(action_b, '') AS action_b, iif(counts, coalesce(moved_a, 0), 0) AS moved_a, iif(counts, coalesce(moved_b, 0), 0) AS moved_b, counts
FROM temp.pivot
WHERE (value_a IS NOT value_b OR (kind <> 'neighbour' AND began AND was_a IS NOT was_b) OR (counts AND moved_a <> moved_b)) AND
	-- with a device goes all that it has; with a module, its settings
	NOT (kind IN ('device', 'address', 'sysctl', 'qdisc', 'lladdr') AND device IS NOT NULL AND name <> 'device ' || device AND EXISTS (
		SELECT 1 FROM temp.pivot d WHERE d.netns IS pivot.netns AND d.kind = 'device' AND d.name = 'device ' || pivot.device AND
			(d.value_a IS NULL) <> (d.value_b IS NULL))) AND
	NOT (kind = 'sysctl' AND (name GLOB 'net.netfilter.*' OR name GLOB 'net.bridge.*') AND (value_a IS NULL OR value_b IS NULL)) AND
	-- a chain of iptables that accepts what no rule decides does what none does
	NOT (kind = 'chain' AND name GLOB 'policy of chain *' AND coalesce(lower(value_a), 'accept') = 'accept' AND
		coalesce(lower(value_b), 'accept') = 'accept')
ORDER BY kind, netns, name;
