// Draws the report of whatever results the page holds.

function addRun(run) {
  addRunHeadline(run);
  addExpectations(run);
  addCurves(run);
  addDistributions(run);
  const map = addMap(run);
  addTimeline(run, map);
  addTraffic(run);
  addDrops(run);
  addNodes(run);
  addContents();
}

const kReports = {
  "kadwire-testnet/run/1": addRun,
  "kadwire-testnet/matrix/1": addMatrix,
  "kadwire-testnet/sweep/1": addSweep,
};

function drawReport() {
  document.getElementById("content").replaceChildren();
  const results = JSON.parse(document.getElementById("results").textContent);
  kReports[results.schema](results);
}

// What could be drawn stays; the reader is told that it is not all.
try {
  drawReport();
} catch (error) {
  noteError(error);
  document.getElementById("content").append(element("p", { class: "violations", role: "alert" },
    `The rest of this report could not be drawn: ${error}`));
}
document.documentElement.dataset.drawn = "true";
