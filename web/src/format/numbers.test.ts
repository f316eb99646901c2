import { expect, test } from "vitest";
import { sumOf } from "./numbers";

test("decimals are summed exactly", () => {
  expect(sumOf(["0.1", "0.2"])).toBe("0.3");
  expect(sumOf(["12345678901234567.89", "0.11"])).toBe("12345678901234568");
  expect(sumOf(["-2.5", "1"])).toBe("-1.5");
  expect(sumOf([])).toBe("0");
});
