// Numbers for people: rounded to what matters, with their unit, U+202F between the two.

const kNarrow = "\u202f";
const kMissing = "–";

const format = {
  // Three digits that mean something.
  number(value) {
    if (value === null || !Number.isFinite(value)) return kMissing;
    const size = Math.abs(value);
    const digits = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
    return format.grouped(Number(value.toFixed(digits)));
  },

  grouped(value) {
    const [whole, part] = String(value).split(".");
    const spaced = whole.replace(/\B(?=(\d{3})+$)/g, kNarrow);
    return part === undefined ? spaced : `${spaced}.${part}`;
  },

  count(value) {
    return value === null ? kMissing : format.grouped(Math.round(value));
  },

  seconds(value) {
    if (value === null) return kMissing;
    if (value === 0) return `0${kNarrow}s`;
    if (value < 0.001) return `${format.number(value * 1e6)}${kNarrow}µs`;
    if (value < 1) return `${format.number(value * 1000)}${kNarrow}ms`;
    if (value < 59.95) return `${format.number(value)}${kNarrow}s`;
    return format.parts(Math.round(value));
  },

  // The two largest units: "2 min 30 s", "1 d 4 h".
  parts(seconds) {
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const first = Math.max(0, units.findIndex(([, size]) => seconds >= size));
    const texts = [];
    let rest = seconds;
    for (const [unit, size] of units.slice(first, first + 2)) {
      const whole = Math.floor(rest / size);
      rest -= whole * size;
      if (whole > 0) texts.push(`${whole}${kNarrow}${unit}`);
    }
    return texts.join(" ");
  },

  bytes(value) {
    if (value === null) return kMissing;
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    let size = value;
    while (size >= 999.5 && unit < units.length - 1) {
      size /= 1000;
      unit += 1;
    }
    return `${unit === 0 ? format.count(size) : format.number(size)}${kNarrow}${units[unit]}`;
  },

  share(value) {
    if (value === null || !Number.isFinite(value)) return kMissing;
    const percent = value * 100;
    const near = percent > 0 && percent < 1 || percent > 99 && percent < 100;
    return `${Number(percent.toFixed(near ? 2 : percent < 10 ? 1 : 0))}${kNarrow}%`;
  },

  factor(value) {
    return value === null ? kMissing : `${format.number(value)}${kNarrow}×`;
  },

  kind(name) {
    return ({ dht: "DHT", stun: "STUN" })[name] ?? format.words(name);
  },

  // "nat_filtered" → "NAT filtered"
  words(name) {
    return name.replaceAll("_", " ").replaceAll("-", " ")
      .replace(/\b(nat|cgnat|mtu|udp|dht|cpu|ip)\b/g, (word) => word.toUpperCase());
  },
};

// A figure's unit is the end of its name (SCHEMA.md).
const kFigureUnits = [
  ["_bytes_per_second", (value) => (value === null ? kMissing : `${format.bytes(value)}/s`)],
  ["_seconds", format.seconds],
  ["_bytes_per_node", format.bytes],
  ["_bytes", format.bytes],
  ["_share", format.share],
  ["_factor", format.factor],
];

// What people call the figures, in the order in which they read them; others follow.
const kFigureTitles = {
  first_tunnel_p50_seconds: "Time to the first tunnel, median",
  first_tunnel_p95_seconds: "Time to the first tunnel, 95 %",
  all_tunnels_p50_seconds: "Time to all tunnels, median",
  all_tunnels_p95_seconds: "Time to all tunnels, 95 %",
  first_direct_p50_seconds: "Time to a pair's first direct tunnel, median",
  first_direct_p95_seconds: "Time to a pair's first direct tunnel, 95 %",
  first_direct_slowest_seconds: "Time to a pair's first direct tunnel, slowest",
  direct_share: "Pairs with a direct tunnel at the end",
  relayed_share: "Pairs with a relayed tunnel at the end",
  pings_lost_share: "Pings lost",
  member_sent_bytes_per_second: "Sent by a member, on average",
  cpu_per_node_hour_seconds: "CPU per node-hour",
  speed_factor: "Speed, simulated over real time",
  speed_after_startup_factor: "Speed after start-up",
};

function describeFigure(name) {
  const [ending, text] = kFigureUnits.find(([end]) => name.endsWith(end)) ?? ["", format.number];
  const words = format.words(name.slice(0, name.length - ending.length));
  return { title: kFigureTitles[name] ?? words.charAt(0).toUpperCase() + words.slice(1), text };
}
