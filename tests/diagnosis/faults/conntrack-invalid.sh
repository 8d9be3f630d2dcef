# SPDX-License-Identifier: GPL-2.0
# The router sees only the answers of a connection, and a rule drops what connection tracking cannot place.
net=detour traffic=fetch
before() { on router nft 'table inet guard { chain transit { type filter hook forward priority 0; ct state established counter; }; }'; }
spoil() { on router nft add rule inet guard transit ct state invalid counter drop; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=FORWARD reason=NETFILTER_DROP
cause='ct state invalid.*drop'
