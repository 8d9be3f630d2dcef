# SPDX-License-Identifier: GPL-2.0
# The policy of the server's INPUT chain is DROP, its rules let only TCP pass.
before() { on server iptables-legacy -A INPUT -p tcp -j ACCEPT; }
spoil() { on server iptables-legacy -P INPUT DROP; }
function="nf_hook_slow ipt_do_table" hook=LOCAL_IN reason=NETFILTER_DROP
cause='(policy|-P INPUT|:INPUT).*DROP|INPUT.*policy.*drop'
