//! Actions that go with what a flow is about.

use super::matches::{About, FIELDS, Field};
use super::values::{Kind, bits, chance, pick, station};
use sim_core::Stream;

/// What the actions of a list may do.
#[derive(Clone, Debug)]
pub struct Context {
    pub table: u8,
    /// The last table of the pipeline.
    pub last_table: u8,
    /// Whether the flows are installed by OpenFlow 1.0 with Open vSwitch's extensions, which knows neither groups nor
    /// instructions, but has actions that look whether there is a tag.
    pub openflow10: bool,
    pub about: About,
    pub tagged: Option<bool>,
    /// How deep it is in other lists.
    pub depth: u8,
    /// Whether it is the list of a group's bucket.
    pub in_bucket: bool,
    /// How many tags the list has added.
    pub pushed: u8,
    /// Groups up to this number may be used.
    pub groups: u32,
}

/// The actions of a flow.
pub fn actions(random: &mut Stream, cx: &mut Context) -> String {
    let mut words = Vec::new();
    if chance(random, 12) {
        return "drop".to_owned();
    }
    if !cx.openflow10 && chance(random, 10) {
        words.push(format!("meter:{}", 1 + random.below(2)));
    }
    let count = 1 + random.below(5);
    list(random, cx, count, &mut words);
    let goes_on = cx.table < cx.last_table;
    if goes_on && chance(random, 2) {
        words.push(resubmit(random, cx));
    } else if chance(random, 2) {
        words.push(output(random));
    }
    if !cx.openflow10 {
        instructions(random, cx, &mut words);
    }
    if words.is_empty() {
        return "drop".to_owned();
    }
    words.join(",")
}

/// The instructions behind the actions, in the order in which OpenFlow carries them out.
fn instructions(random: &mut Stream, cx: &mut Context, words: &mut Vec<String>) {
    if chance(random, 12) {
        words.push("clear_actions".to_owned());
    }
    if chance(random, 4) {
        words.push(format!("write_actions({})", action_set(random, cx)));
    }
    if chance(random, 8) {
        let mask = Kind::Small(64).mask(random);
        words.push(format!("write_metadata:{:#x}/{mask:#x}", Kind::Small(64).value(random) & mask));
    }
    if cx.table < cx.last_table && chance(random, 3) {
        let table = u64::from(cx.table) + 1 + random.below(u64::from(cx.last_table - cx.table));
        words.push(format!("goto_table:{table}"));
    }
}

/// Actions that an action set may have.
fn action_set(random: &mut Stream, cx: &Context) -> String {
    let mut words = Vec::new();
    let mut inner = cx.clone();
    for _ in 0..1 + random.below(3) {
        words.push(match random.below(8) {
            0 | 1 => output(random),
            2 if cx.groups > 0 => format!("group:{}", 1 + random.below(cx.groups.into())),
            3 => format!("set_queue:{}", random.below(3)),
            4 if cx.about.is_ip() => "dec_ttl".to_owned(),
            5 if cx.tagged == Some(true) && !words.iter().any(|word: &String| word.contains("vlan")) => {
                inner.tagged = None;
                "pop_vlan".to_owned()
            }
            6 if cx.pushed == 0 && !words.iter().any(|word| word.contains("vlan")) => {
                format!("push_vlan:{}", pick(random, &["0x8100", "0x88a8"]))
            }
            _ => set_field(random, &mut inner),
        });
    }
    words.join(",")
}

fn port(random: &mut Stream) -> u64 {
    1 + random.below(4)
}

pub fn output(random: &mut Stream) -> String {
    match random.below(16) {
        0 => "IN_PORT".to_owned(),
        1 => "LOCAL".to_owned(),
        2 => "ALL".to_owned(),
        3 => "FLOOD".to_owned(),
        4 => "NORMAL".to_owned(),
        // No port of this number.
        5 if chance(random, 4) => "output:77".to_owned(),
        _ => format!("output:{}", port(random)),
    }
}

fn resubmit(random: &mut Stream, cx: &Context) -> String {
    let mut table = u64::from(cx.table) + 1 + random.below(u64::from(cx.last_table - cx.table));
    if chance(random, 200) {
        // Perhaps for ever.
        table = random.below(u64::from(cx.table) + 1);
    }
    if chance(random, 6) { format!("resubmit({},{table})", port(random)) } else { format!("resubmit(,{table})") }
}

/// The fields that actions may write or read.
fn field(random: &mut Stream, cx: &Context, fits: impl Fn(&Field) -> bool) -> &'static Field {
    let own: Vec<&Field> = FIELDS.iter().filter(|f| cx.about.has(f) && fits(f)).collect();
    let special: Vec<&Field> = own.iter().copied().filter(|f| !About::Any.has(f)).collect();
    let from = if special.is_empty() || chance(random, 2) { own } else { special };
    from[random.below(from.len() as u64) as usize]
}

fn set_field(random: &mut Stream, cx: &mut Context) -> String {
    if cx.tagged == Some(true) && !cx.openflow10 && chance(random, 3) {
        return match random.below(3) {
            0 => format!("set_field:{}->vlan_pcp", random.below(8)),
            _ => format!("set_field:{}->vlan_vid", 4096 + pick(random, &super::VLANS)),
        };
    }
    let field = field(random, cx, |field| field.writable);
    // For OpenFlow 1.0 ovs-ofctl turns it into an action like mod_tp_src, and forgets the mask.
    let value = if field.maskable && !cx.openflow10 {
        field.kind.masked(random)
    } else {
        field.kind.text(field.kind.value(random))
    };
    format!("set_field:{value}->{}", field.name)
}

/// Fields of which some bits can be read and written.
fn has_subfields(field: &Field) -> bool {
    !matches!(field.name, "nw_tos" | "ip_dscp" | "nw_ecn" | "arp_op" | "mpls_bos" | "tcp_flags")
}

/// So many bits of a field.
fn subfield(random: &mut Stream, field: &Field, len: u8) -> String {
    let width = field.kind.width();
    if len == width {
        return format!("{}[]", field.name);
    }
    let start = random.below(u64::from(width - len) + 1);
    match len {
        1 => format!("{}[{start}]", field.name),
        _ => format!("{}[{start}..{}]", field.name, start + u64::from(len) - 1),
    }
}

fn load(random: &mut Stream, cx: &Context) -> String {
    let field = field(random, cx, |field| field.writable && has_subfields(field));
    let width = field.kind.width().min(64);
    let len = if chance(random, 2) { width } else { 1 + random.below(width.into()) as u8 };
    format!("load:{:#x}->{}", bits(random, len), subfield(random, field, len))
}

fn copy(random: &mut Stream, cx: &Context) -> String {
    let from = field(random, cx, has_subfields);
    let to = field(random, cx, |field| field.writable && has_subfields(field) && field.name != from.name);
    let width = from.kind.width().min(to.kind.width());
    let len = if chance(random, 2) { width } else { 1 + random.below(width.into()) as u8 };
    format!("move:{}->{}", subfield(random, from, len), subfield(random, to, len))
}

/// Adds so many actions.
pub fn list(random: &mut Stream, cx: &mut Context, count: u64, words: &mut Vec<String>) {
    for _ in 0..count {
        let word = match random.below(5) {
            0 => Some(output(random)),
            1 => header(random, cx),
            2 => Some(set_field(random, cx)),
            3 => Some(match random.below(3) {
                0 => load(random, cx),
                1 => copy(random, cx),
                _ => stack(random, cx),
            }),
            _ => special(random, cx),
        };
        words.extend(word);
    }
}

fn stack(random: &mut Stream, cx: &Context) -> String {
    let from = field(random, cx, has_subfields);
    let to = field(random, cx, |field| field.writable && has_subfields(field));
    let (len, taken) =
        (1 + random.below(from.kind.width().into()) as u8, 1 + random.below(to.kind.width().into()) as u8);
    let (push, pop) = (subfield(random, from, len), subfield(random, to, taken));
    match random.below(8) {
        // More than was pushed may be taken, and less.
        0 => format!("pop:{pop}"),
        1 => format!("push:{push}"),
        _ => format!("push:{push},pop:{pop}"),
    }
}

/// Actions on headers that have names of their own.
fn header(random: &mut Stream, cx: &mut Context) -> Option<String> {
    let mac = |random: &mut Stream| Kind::Mac.text(station(random).into());
    let ip = |random: &mut Stream| Kind::Ip4.text(Kind::Ip4.value(random));
    let has = |name: &str| cx.openflow10 || FIELDS.iter().any(|field| field.name == name && cx.about.has(field));
    Some(match random.below(16) {
        0 => format!("mod_dl_src:{}", mac(random)),
        1 => format!("mod_dl_dst:{}", mac(random)),
        2 if has("nw_src") => format!("mod_nw_src:{}", ip(random)),
        3 if has("nw_dst") => format!("mod_nw_dst:{}", ip(random)),
        4 if has("nw_tos") => format!("mod_nw_tos:{}", pick(random, &[0, 4, 184])),
        5 if cx.openflow10 || has("tcp_src") || has("udp_src") || has("sctp_src") => {
            format!("mod_tp_{}:{}", pick(random, &["src", "dst"]), Kind::Port.value(random))
        }
        6 if cx.about.is_ip() => pick(random, &["dec_ttl", "dec_ttl(3,5)"]).to_owned(),
        7 if cx.about.is_ip() && !cx.openflow10 => {
            format!("mod_nw_ttl:{}", pick(random, &[1, 2, 64]))
        }
        8..=11 if cx.openflow10 => {
            let word = match random.below(5) {
                0 | 1 => format!("mod_vlan_vid:{}", pick(random, &super::VLANS)),
                2 => format!("mod_vlan_pcp:{}", random.below(8)),
                3 => format!("load:{:#x}->vlan_tci[0..11]", pick(random, &super::VLANS)),
                _ => "strip_vlan".to_owned(),
            };
            if word == "strip_vlan" {
                cx.tagged = None;
            }
            word
        }
        8 | 9 if cx.pushed < 1 => {
            cx.pushed += 1;
            cx.tagged = Some(true);
            format!("push_vlan:{}", pick(random, &["0x8100", "0x8100", "0x88a8"]))
        }
        10 | 11 if cx.tagged == Some(true) => {
            cx.tagged = None;
            cx.pushed = cx.pushed.saturating_sub(1);
            "pop_vlan".to_owned()
        }
        12 if !cx.openflow10 => {
            cx.about = About::Mpls;
            "push_mpls:0x8847".to_owned()
        }
        13 if cx.about == About::Mpls => {
            pick(random, &["dec_mpls_ttl", "set_mpls_ttl:2", "set_mpls_label:77"]).to_owned()
        }
        14 | 15 if cx.about == About::Mpls => {
            if chance(random, 3) {
                // What a packet is behind its labels is known after another extraction, which a trace doesn't do.
                cx.about = About::Any;
                "pop_mpls:0x0800".to_owned()
            } else {
                "pop_mpls:0x8847".to_owned()
            }
        }
        _ => return None,
    })
}

/// Actions that are neither.
fn special(random: &mut Stream, cx: &mut Context) -> Option<String> {
    Some(match random.below(20) {
        0 if cx.table < cx.last_table => resubmit(random, cx),
        1 => format!("output:{}", pick(random, &["reg0[]", "reg0[0..15]", "reg1[]", "in_port[]", "metadata[0..7]"])),
        2 => format!("output(port={},max_len={})", port(random), pick(random, &[14, 60, 100, 1500])),
        3 if cx.openflow10 || cx.in_bucket && cx.depth == 1 => format!("enqueue:{}:{}", port(random), random.below(3)),
        // What ovs-ofctl makes of it for later versions.
        3 => format!("set_queue:{},output:{},pop_queue", random.below(3), port(random)),
        4 => pick(random, &["set_queue:1", "set_queue:7", "pop_queue"]).to_owned(),
        5 => pick(
            random,
            &["controller", "controller:100", "controller(max_len=64,id=3)", "controller(reason=no_match)"],
        )
        .to_owned(),
        6 if chance(random, 2) => "note:01.02.03".to_owned(),
        6 => {
            let probability = pick(random, &[5, 6000, 65535]);
            format!("sample(probability={probability},collector_set_id=1,obs_domain_id=2,obs_point_id=3)")
        }
        7 | 8 if cx.depth < 2 => {
            let mut inner = Context { depth: cx.depth + 1, ..cx.clone() };
            let mut words = Vec::new();
            let count = 1 + random.below(3);
            list(random, &mut inner, count, &mut words);
            words.push(output(random));
            format!("clone({})", words.join(","))
        }
        9 if cx.depth == 0 => learn(random, cx),
        10 if matches!(cx.about, About::Tcp | About::Tcp6) => "fin_timeout(idle_timeout=5,hard_timeout=10)".to_owned(),
        11 if chance(random, 3) => "exit".to_owned(),
        12 if chance(random, 2) => {
            let hash = pick(random, &["eth_src", "nw_src", "nw_dst"]);
            let algorithm = pick(random, &["modulo_n", "hash_threshold", "hrw", "iter_hash"]);
            let (basis, links) = (random.below(100), 1 + random.below(6));
            format!("multipath({hash},{basis},{algorithm},{links},{},reg1[0..7])", random.below(9))
        }
        // Each switch has symmetric hashes of its own: with one link there is nothing to choose.
        12 => {
            let hash = pick(
                random,
                &[
                    "eth_src",
                    "symmetric_l4",
                    "symmetric_l3l4",
                    "symmetric_l3l4+udp",
                    "symmetric_l3",
                    "nw_src",
                    "nw_dst",
                ],
            );
            let algorithm = pick(random, &["modulo_n", "hash_threshold", "hrw", "iter_hash"]);
            format!("multipath({hash},50,{algorithm},1,0,reg1[0..7])")
        }
        13 => {
            let members = pick(random, &["5,2", "1,2,3", "5,1,2", "4,3", "5"]);
            let (hash, basis) = (pick(random, &["eth_src", "nw_src", "nw_dst"]), random.below(100));
            let algorithm = pick(random, &["active_backup", "hrw"]);
            if chance(random, 2) {
                format!("bundle({hash},{basis},{algorithm},ofport,members:{members})")
            } else {
                format!("bundle_load({hash},{basis},{algorithm},ofport,reg1[],members:{members})")
            }
        }
        // (In a bucket ovs-ofctl doesn't read it.)
        14 if !cx.in_bucket => format!("check_pkt_larger({})->reg0[{}]", pick(random, &[20, 1000]), random.below(3)),
        15 | 16 if cx.groups > 0 => format!("group:{}", 1 + random.below(cx.groups.into())),
        17 => format!("set_tunnel:{}", random.below(9)),
        18 => format!("load:{}->in_port[]", pick(random, &[0, 0, 1, 2])),
        _ => return None,
    })
}

/// A `learn` into tables that no other flow leads to, so that what one frame teaches is nothing to the next.
fn learn(random: &mut Stream, cx: &Context) -> String {
    let mut words = vec![format!("table={}", pick(random, &super::LEARNT))];
    if chance(random, 2) {
        words.push(format!("idle_timeout={}", 30_000 + random.below(3)));
    }
    if chance(random, 3) {
        words.push(format!("priority={}", 1 + random.below(3)));
    }
    if chance(random, 3) {
        words.push(format!("cookie={:#x}", 1 + random.below(3)));
    }
    for _ in 0..1 + random.below(3) {
        words.push(match random.below(8) {
            0 => "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]".to_owned(),
            1 => "NXM_OF_VLAN_TCI[0..11]".to_owned(),
            2 => "in_port".to_owned(),
            3 if cx.about == About::Tcp => "eth_type=0x800,nw_proto=6,NXM_OF_TCP_DST[]=NXM_OF_TCP_SRC[]".to_owned(),
            4 => "reg2=0x5".to_owned(),
            5 => "load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]".to_owned(),
            6 => "load:0x7->NXM_NX_REG1[4..7]".to_owned(),
            _ => "output:NXM_OF_IN_PORT[]".to_owned(),
        });
    }
    words.dedup();
    format!("learn({})", words.join(","))
}
