import { expect, test } from "vitest";
import { toCsv } from "./csv";

const columns = [{ header: "Text", value: (row: string) => row }];
const cells = (...rows: string[]) => toCsv(columns, rows).slice(1).split("\r\n").slice(1, -1);

test("what a spreadsheet would run as a formula has an apostrophe before it", () => {
  expect(cells("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", " =1", "\t=1")).toEqual([
    "'=1+1",
    "'+cmd|' /C calc'!A0",
    "'-2+3",
    "'@SUM(A1)",
    "' =1",
    "'\t=1",
  ]);
});

test("numbers stay numbers, whatever their sign", () => {
  expect(cells("-12.50", "+3", "0", "1000000.000001")).toEqual(["-12.50", "+3", "0", "1000000.000001"]);
});

test("commas, quotes and line breaks are quoted", () => {
  expect(toCsv(columns, ['a,"b"', "c\nd"])).toBe('\uFEFFText\r\n"a,""b"""\r\n"c\nd"\r\n');
});
