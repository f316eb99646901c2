import { useComputedColorScheme } from "@mantine/core";
import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { formatShortPercent, formatSignedPercent } from "../format/numbers";
import { className, type ClassWeight } from "./Drift";

echarts.use([BarChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

const ROW_PIXELS = 30;

/** Bars left of zero are too little, right of it too much; of each pair the upper, paler bar is before the trades. */
export default function DriftChart({ classes }: { classes: readonly ClassWeight[] }) {
  const element = useRef<HTMLDivElement>(null);
  const dark = useComputedColorScheme("light") === "dark";
  useEffect(() => {
    if (element.current === null) return undefined;
    const chart = echarts.init(element.current, null, { renderer: "svg" });
    chart.setOption(optionOf(classes, dark));
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(element.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [classes, dark]);
  return <div ref={element} role="img" aria-label={inWords(classes)} style={{ height: classes.length * ROW_PIXELS + 60 }} />;
}

function optionOf(classes: readonly ClassWeight[], dark: boolean): echarts.EChartsCoreOption {
  const font = getComputedStyle(document.body).fontFamily;
  const text = dark ? "#c9c9c9" : "#343a40";
  const line = dark ? "#3b3b3b" : "#dee2e6";
  const percent = (value: unknown) => formatSignedPercent(String(value));
  const bar = (name: string, colour: string, values: (of: ClassWeight) => string) => ({
    name,
    type: "bar",
    barMaxWidth: 10,
    barGap: "15%",
    itemStyle: { color: colour },
    data: classes.map((each) => Number(values(each))),
  });
  return {
    animation: false,
    textStyle: { fontFamily: font },
    grid: { left: 8, right: 16, top: 32, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, textStyle: { color: text }, itemWidth: 18, itemHeight: 10 },
    // As part of the picture: HTML would carry style attributes, which the page's policy refuses.
    tooltip: { renderMode: "richText", trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: percent },
    xAxis: {
      type: "value",
      axisLabel: { color: text, formatter: (value: number) => formatShortPercent(String(value)) },
      splitLine: { lineStyle: { color: line } },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: classes.map((each) => className(each.assetClass)),
      axisLabel: { color: text },
      axisLine: { lineStyle: { color: text } },
      axisTick: { show: false },
    },
    series: [
      bar("Drift before", dark ? "#868e96" : "#adb5bd", (of) => of.driftBefore),
      bar("Drift after", dark ? "#4dabf7" : "#1864ab", (of) => of.driftAfter),
    ],
  };
}

function inWords(classes: readonly ClassWeight[]): string {
  const parts = classes.map(
    (each) => `${className(each.assetClass)} from ${formatSignedPercent(each.driftBefore)} to ${formatSignedPercent(each.driftAfter)}`,
  );
  return `Drift by asset class before and after the trades: ${parts.join(", ")}. The table holds the same figures.`;
}
