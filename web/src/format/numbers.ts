/** Figures in the reader's locale. Decimals stay text: no float stands between the API's figure and the screen. */
type Numeral = Intl.StringNumericLiteral;

const money = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD" });
const wholeMoney = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD", maximumFractionDigits: 0 });
const signedMoney = new Intl.NumberFormat(undefined, {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 0,
  signDisplay: "exceptZero",
});
const quantity = new Intl.NumberFormat(undefined, { maximumFractionDigits: 6 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 });
const shortPercent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const signedPercent = new Intl.NumberFormat(undefined, {
  style: "percent",
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  signDisplay: "exceptZero",
});
const basisPoints = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const plain = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const count = new Intl.NumberFormat();

const numeral = (text: string): Numeral => text as Numeral;

export const NOTHING = "–";

/** Dollars and cents. */
export const formatPrice = (text: string): string => money.format(numeral(text));
/** Whole dollars. */
export const formatMoney = (text: string): string => wholeMoney.format(numeral(text));
/** Whole dollars, with a sign for gains as for losses. */
export const formatGain = (text: string): string => signedMoney.format(numeral(text));
export const formatQuantity = (text: string): string => quantity.format(numeral(text));
/** Of a fraction: 0.0525 is 5.25 %. */
export const formatPercent = (text: string): string => percent.format(numeral(text));
/** Of a fraction, to a tenth of a percent: for the axis of a chart. */
export const formatShortPercent = (text: string): string => shortPercent.format(numeral(text));
/** Of a fraction, with its sign. */
export const formatSignedPercent = (text: string): string => signedPercent.format(numeral(text));
export const formatBps = (text: string): string => `${basisPoints.format(numeral(text))} bp`;
export const formatRatio = (text: string): string => plain.format(numeral(text));
export const formatCount = (number: number): string => count.format(number);

const PLACES = 12;

/** The exact sum of decimals, as text. */
export function sumOf(texts: readonly string[]): string {
  const total = texts.reduce((all, text) => all + scaled(text), 0n);
  const digits = (total < 0n ? -total : total).toString().padStart(PLACES + 1, "0");
  const fraction = digits.slice(-PLACES).replace(/0+$/, "");
  return `${total < 0n ? "-" : ""}${digits.slice(0, -PLACES)}${fraction && `.${fraction}`}`;
}

function scaled(text: string): bigint {
  const [whole = "0", fraction = ""] = text.replace(/^-/, "").split(".");
  const size = BigInt(whole + fraction.slice(0, PLACES).padEnd(PLACES, "0"));
  return text.startsWith("-") ? -size : size;
}
