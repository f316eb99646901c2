/** Dates and instants in the reader's locale and time zone. */
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const instant = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const moment = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
  timeZoneName: "short",
});
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/** A calendar date (2026-11-24), which has no time zone to be moved by. */
export const formatDate = (date: string): string => day.format(new Date(`${date}T00:00:00Z`));
export const formatInstant = (at: string): string => instant.format(new Date(at));
/** To the minute, with its time zone: for deadlines. */
export const formatMoment = (at: string): string => moment.format(new Date(at));
export const formatTime = (at: string): string => time.format(new Date(at));

const hours = new Intl.NumberFormat(undefined, { style: "unit", unit: "hour", unitDisplay: "short" });
const wholeMinutes = new Intl.NumberFormat(undefined, { style: "unit", unit: "minute", unitDisplay: "short" });

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** How long ago, or until when: "12 min ago". */
export function formatAge(at: string, now: number): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const relative = new Intl.RelativeTimeFormat(undefined, { style: "short", numeric: "always" });
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.trunc(seconds), "second");
}

/** From one instant to a later one, in hours and minutes: "6 hr 5 min". */
export function formatLength(from: string, to: string): string {
  const minutes = Math.max(0, Math.floor((new Date(to).getTime() - new Date(from).getTime()) / 60_000));
  const parts: [number, Intl.NumberFormat][] = [
    [Math.floor(minutes / 60), hours],
    [minutes % 60, wholeMinutes],
  ];
  const told = parts.filter(([size]) => size > 0).map(([size, format]) => format.format(size));
  return told.join(" ") || wholeMinutes.format(0);
}

/** Whether the text is a calendar date as the API writes it. */
export const isDate = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
