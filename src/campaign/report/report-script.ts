/**
 * What runs in a report: draws the charts with uPlot in place of the static ones, lets each line be hidden, and
 * reads the values at one place of a chart out, by pointer, finger, keyboard or screen reader. All numbers are in
 * the page without it.
 *
 * It is text, because it is written for browsers and put into the page as it is. It makes nothing of strings but text
 * nodes, and sends nothing anywhere.
 */
export const reportScript = `
(() => {
  'use strict';
  const dataOf = document.getElementById('chart-data');
  if (typeof uPlot !== 'function' || dataOf === null) return;
  const root = document.documentElement;
  const data = JSON.parse(dataOf.textContent);
  const charts = data.charts.map((chart) => ({ ...data.groups[chart.group], ...chart }));
  const numbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
  const colour = (name) => getComputedStyle(root).getPropertyValue('--' + name).trim();
  const font = '12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif';
  const narrow = matchMedia('(max-width: 46rem)');
  const drawn = [];
  let isMoving = false;

  const axis = (ticks, more) => Object.assign({
    splits: () => ticks.map((tick) => tick.at),
    values: () => ticks.map((tick) => tick.label),
    stroke: () => colour('soft'), font, ticks: { show: false }, grid: { stroke: () => colour('grid'), width: 1 },
  }, more);

  /** Without the words that would run into the one before them, on a narrow page. */
  const roomyWords = ({ xTicks, xRange: [from, to] }) => (u) => {
    const width = u.width - (narrow.matches ? 72 : 84);
    let taken = -Infinity;
    return xTicks.map(({ at, label }) => {
      const [middle, half] = [((at - from) / (to - from)) * width, label.length * 3.5];
      if (middle - half < taken) return '';
      taken = middle + half + 6;
      return label;
    });
  };

  const bars = (u) => {
    const path = new Path2D();
    const [x, values] = u.data;
    const floor = u.valToPos(0, 'y', true);
    for (let index = 0; index + 1 < x.length; index++) {
      if (!values[index]) continue;
      const left = u.valToPos(x[index], 'x', true);
      const right = u.valToPos(x[index + 1], 'x', true);
      const top = Math.min(u.valToPos(values[index], 'y', true), floor - 2 * devicePixelRatio);
      path.rect(left, top, right - left - Math.min(2, (right - left) / 5), floor - top);
    }
    return { fill: path };
  };

  const seriesOf = (chart) => chart.series.map((series, index) => ({
    label: series.label,
    dash: series.dashes,
    width: chart.kind === 'bars' ? 0 : 1.75,
    stroke: () => colour(series.colour),
    fill: index > 0 ? undefined : () => colour(series.colour) + (chart.kind === 'bars' ? '' : '24'),
    paths: chart.kind === 'bars' ? bars : undefined,
    points: { show: chart.kind !== 'bars' && chart.x.length <= 2 },
  }));

  /** Names of marks within a chart of lines would lie on the lines. */
  const marksAbove = ({ kind, marks }) => kind !== 'bars' && marks.length > 0;

  const heightOf = (chart) => chart.height + (marksAbove(chart) ? 48 : 38);

  const drawMarks = (chart) => (u) => {
    const { ctx, bbox } = u;
    const dots = devicePixelRatio;
    ctx.save();
    ctx.font = 11.5 * dots + 'px ' + font.slice(5);
    ctx.textBaseline = 'top';
    let taken = -Infinity;
    chart.marks.forEach((mark, index) => {
      const x = u.valToPos(mark.at, 'x', true);
      ctx.setLineDash([3 * dots, 3 * dots]);
      ctx.lineWidth = dots;
      ctx.strokeStyle = colour('mark');
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const isLate = x > bbox.left + bbox.width * 0.88;
      // Above the plot a name begins at its line, and is left out where the one before it takes its place.
      const isAbove = marksAbove(chart);
      const aside = isAbove ? 0 : (isLate ? -5 : 5) * dots;
      const width = ctx.measureText(mark.label).width;
      const left = isLate ? x - width : x;
      if (isAbove && left < taken) return;
      taken = left + width + 6 * dots;
      ctx.textAlign = isLate ? 'right' : 'left';
      const y = isAbove ? bbox.top - 15 * dots : bbox.top + (2 + index * 15) * dots;
      ctx.setLineDash([]);
      ctx.lineWidth = 3 * dots;
      ctx.strokeStyle = colour('page');
      ctx.fillStyle = colour('ink');
      ctx.strokeText(mark.label, x + aside, y);
      ctx.fillText(mark.label, x + aside, y);
    });
    ctx.restore();
  };

  /** The places of a chart that have something to read. */
  const placesOf = (chart) => chart.xWords.flatMap((words, index) => (words === '' ? [] : [index]));

  const middleOf = ({ kind, x }, index) => (kind === 'bars' ? (x[index] + x[index + 1]) / 2 : x[index]);

  /** The point nearest to the cursor, or the bar that it is on. */
  const indexAt = (chart, u) => {
    const nearest = u.cursor.idx;
    if (nearest == null) return null;
    if (chart.kind !== 'bars') return [nearest, nearest + 1, nearest - 1].find((index) => chart.xWords[index]);
    const at = u.posToVal(u.cursor.left, 'x');
    return chart.x.findLastIndex((start) => start <= at);
  };

  const wordsAt = (chart, index) => chart.series
    .filter((series, at) => series.values[index] !== null && chart.plot.series[at + 1].show)
    .map((series) => [
      chart.kind === 'bars' ? '' : series.label + ' ',
      numbers.format(series.values[index]),
      chart.unit,
    ].join(''))
    .join(', ');

  const show = (group, index, from) => {
    if (isMoving) return;
    isMoving = true;
    const members = drawn.filter((chart) => chart.group === group);
    for (const chart of members) {
      if (chart !== from) chart.plot.setCursor({ left: chart.plot.valToPos(middleOf(chart, index), 'x'), top: 0 });
    }
    for (const figure of new Set(members.map((chart) => chart.figure))) {
      const own = members.filter((chart) => chart.figure === figure);
      const words = own[0].xWords[index] + ': ' + own.map((chart) => wordsAt(chart, index)).filter(Boolean).join(', ');
      const slider = figure.querySelector('input');
      slider.value = String(placesOf(own[0]).indexOf(index));
      slider.setAttribute('aria-valuetext', words);
      figure.querySelector('output').textContent = words;
    }
    isMoving = false;
  };

  const draw = (chart) => {
    const place = document.querySelector('[data-chart="' + chart.id + '"] .live');
    const options = {
      width: Math.max(200, place.clientWidth),
      height: heightOf(chart),
      padding: [marksAbove(chart) ? 20 : 10, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: chart.kind !== 'bars', size: 7 } },
      scales: { x: { time: false, range: () => chart.xRange }, y: { range: () => [0, chart.yMax] } },
      axes: [
        axis(chart.xTicks, { size: 28, grid: { show: false }, values: roomyWords(chart) }),
        axis(chart.yTicks, { size: () => (narrow.matches ? 52 : 64) }),
      ],
      series: [{}].concat(seriesOf(chart)),
      hooks: {
        draw: [drawMarks(chart)],
        setCursor: [(u) => {
          const index = indexAt(chart, u);
          if (index != null && chart.xWords[index]) show(chart.group, index, chart);
        }],
      },
    };
    chart.figure = place.closest('figure');
    chart.place = place;
    chart.plot = new uPlot(options, [chart.x].concat(chart.series.map((series) => series.values)), place);
    drawn.push(chart);
  };

  /** The legend becomes a row of buttons, each of which hides its line or shows it again. */
  const armLegend = (chart) => {
    const items = chart.figure.querySelectorAll('.legend li');
    items.forEach((item, index) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-pressed', 'true');
      button.append(...item.childNodes);
      button.addEventListener('click', () => {
        const isShown = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(isShown));
        chart.plot.setSeries(index + 1, { show: isShown });
      });
      item.append(button);
    });
  };

  const armSlider = (chart) => {
    const slider = chart.figure.querySelector('input');
    const places = placesOf(chart);
    slider.max = String(Math.max(0, places.length - 1));
    slider.value = '0';
    slider.setAttribute('aria-valuetext', 'nothing is read yet');
    slider.addEventListener('input', () => show(chart.group, places[Number(slider.value)], null));
  };

  root.classList.add('scripted');
  charts.forEach(draw);
  drawn.forEach((chart, index) => {
    if (drawn.findIndex((each) => each.figure === chart.figure) === index) {
      armLegend(chart);
      armSlider(chart);
    }
  });
  const fit = () => drawn.forEach((chart) => {
    const width = chart.place.clientWidth;
    if (width > 0 && width !== chart.plot.width) chart.plot.setSize({ width, height: heightOf(chart) });
  });
  new ResizeObserver(fit).observe(document.querySelector('main'));
  const redraw = () => drawn.forEach((chart) => chart.plot.redraw(false));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
})();
`;
