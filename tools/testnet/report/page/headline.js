// The top of every report: what it is, how it ended, how to get it again.

function addHeadline(kicker, title, summary, verdict = null) {
  document.getElementById("content").append(element("header", {},
    element("p", { class: "kicker" }, kicker),
    element("h1", {}, title),
    summary ? element("p", { class: "summary" }, summary) : null,
    verdict === null ? null : element("p", { class: `verdict ${verdict.met ? "met" : "unmet"}` },
      element("span", { class: "mark", "aria-hidden": "true" }, verdict.met ? "✓" : "✕"),
      verdict.text)));
}

// tiles: [{ name, value, note }]
function addTiles(tiles) {
  document.querySelector("header").append(element("dl", { class: "tiles" }, tiles.map((tile) =>
    element("div", {}, element("dt", {}, tile.name), element("dd", {}, tile.value),
      tile.note ? element("dd", { class: "tile-note" }, tile.note) : null))));
}

function addFacts(facts) {
  document.querySelector("header").append(element("dl", { class: "facts" },
    facts.map(([name, value, plain]) => element("div", {}, element("dt", {}, name),
      element("dd", { class: plain ? "exact" : null }, value)))));
}

function addCommand(command) {
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = await copyText(command) ? "Copied" : "Select and copy";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  document.querySelector("header").append(element("div", { class: "command" },
    element("span", { class: "command-name" }, "Reproduce"),
    element("code", { tabindex: "0" }, command), button));
}

// A page from the disk may not use the clipboard everywhere: then its older way, through a field.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element("textarea", { class: "hidden" });
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

// Links to the sections, once they are all there.
function addContents() {
  const links = [...document.querySelectorAll("section")].map((section) => element("li", {},
    element("a", { href: `#${section.id}` }, section.querySelector("h2").textContent)));
  document.querySelector("header").append(
    element("nav", { "aria-label": "Contents" }, element("ul", {}, links)));
}

// Of many runs, some that failed: each with what was wrong, and the command that plays it again.
function addFailures(failures) {
  if (failures.length === 0) return;
  const section = addSection("failures", "Failed runs",
    "The first few of each; the command plays a run again.");
  section.append(dataTable("Failed runs", [
    { title: "Of", value: (failure) => failure.of },
    { title: "Seed", value: (failure) => failure.seed },
    { title: "What was wrong", value: (failure) => failure.complaints.join("; ") },
    { title: "Reproduce", value: (failure) => element("code", {}, failure.replay) },
  ], failures).node);
}

function runVerdict(run) {
  const unmet = run.verdicts.filter((verdict) => !verdict.met).length;
  const parts = [];
  if (run.violations.length > 0) parts.push(counted(run.violations.length, "violation"));
  if (unmet > 0) parts.push(`${unmet} of ${counted(run.verdicts.length, "expectation")} not met`);
  const ending = run.interrupted ? ", interrupted" : "";
  if (run.succeeded) return { met: true, text: `Passed${ending}` };
  return { met: false, text: `Failed${ending}: ${parts.join(", ")}` };
}

function counted(number, noun) {
  return `${format.count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function addRunHeadline(run) {
  addHeadline("Testnet run", run.scenario, run.summary, runVerdict(run));
  const figure = (name) => run.figures[name] ?? null;
  const members = run.nodes.filter((node) => node.role === "member").length;
  addTiles([
    { name: "First tunnel, median", value: format.seconds(figure("first_tunnel_p50_seconds")),
      note: `95 % within ${format.seconds(figure("first_tunnel_p95_seconds"))}` },
    { name: "First direct, median", value: format.seconds(figure("first_direct_p50_seconds")),
      note: `95 % of the pairs within ${format.seconds(figure("first_direct_p95_seconds"))}` },
    { name: "All tunnels, median", value: format.seconds(figure("all_tunnels_p50_seconds")),
      note: `95 % within ${format.seconds(figure("all_tunnels_p95_seconds"))}` },
    { name: "Direct at the end", value: format.share(figure("direct_share")),
      note: `relayed ${format.share(figure("relayed_share"))}` },
    { name: "Pings lost", value: format.share(figure("pings_lost_share")),
      note: `of ${counted(run.nodes.reduce((sum, node) => sum + node.pings_sent, 0), "ping")}` },
    { name: "A member sends", value: describeFigure("member_sent_bytes_per_second")
        .text(figure("member_sent_bytes_per_second")), note: "on average" },
    { name: "Speed", value: format.factor(figure("speed_factor")),
      note: `after start-up ${format.factor(figure("speed_after_startup_factor"))}` },
  ]);
  addFacts([
    ["Seed", run.seed, true],
    ["Trace hash", run.trace_hash, true],
    ["Simulated", format.seconds(run.simulated_seconds)],
    ["Took", `${format.seconds(run.wall_seconds)}, of it start-up `
      + format.seconds(run.startup_seconds)],
    ["Nodes", `${format.count(run.nodes.length)}, of them ${counted(members, "member")}`],
    ["Events", format.count(run.events)],
    ["Memory a node", format.bytes(run.memory_bytes_per_node)],
    ["CPU a node-hour", format.seconds(figure("cpu_per_node_hour_seconds"))],
  ]);
  addCommand(run.command);
}

function addExpectations(run) {
  const section = addSection("expectations", "Expectations");
  if (run.violations.length > 0) {
    section.append(element("div", { class: "violations", role: "alert" },
      element("h3", {}, "Violated invariants"),
      element("ul", {}, run.violations.map((text) => element("li", {}, text)))));
  }
  if (run.verdicts.length === 0) return addEmpty(section, "The scenario expects nothing.");
  section.append(dataTable("Expectations and what was measured", [
    { title: "", value: (verdict) => element("span", {
      class: `verdict small ${verdict.met ? "met" : "unmet"}` },
      element("span", { class: "mark", "aria-hidden": "true" }, verdict.met ? "✓" : "✕"),
      verdict.met ? "met" : "not met") },
    { title: "Expected", value: (verdict) => verdict.expectation },
    { title: "Measured", value: (verdict) => verdict.measured },
  ], run.verdicts).node);
}
