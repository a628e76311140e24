// The binding to a dataset: what is written is serialised, as it has to be anywhere, and thrown away.

export default function dataset() {
  let points = [];
  return {
    writeDataPoint(point) {
      points.push(JSON.stringify(point));
      if (points.length === 100) points = [];
    },
  };
}
