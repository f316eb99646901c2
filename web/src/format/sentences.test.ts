import { expect, test } from "vitest";
import { inLocale } from "./sentences";

// The tests run in the locale en-US, whose money and percentages the API's own sentences come close to.
test("dates, dollars and percentages of a sentence are the reader's", () => {
  expect(inLocale("Needs $42,500 in cash on 2026-12-05.")).toBe("Needs $42,500 in cash on Dec 5, 2026.");
  expect(inLocale("The value is $650,000, the turnover 5.16 %, so it waits.")).toBe("The value is $650,000, the turnover 5.16%, so it waits.");
  expect(inLocale("AGX1 is 11.24 % of the account, below its target of 12 %.")).toBe("AGX1 is 11.24% of the account, below its target of 12%.");
  expect(inLocale("By itself the trade counts -7.4 bp of the account (-$1480.18).")).toBe("By itself the trade counts -7.4 bp of the account (-$1,480.18).");
});

test("numbers of accounts, lots and instants stay as they are", () => {
  expect(inLocale("A00007-00001 and S0001 at 2026-11-20T15:30:00Z")).toBe("A00007-00001 and S0001 at 2026-11-20T15:30:00Z");
});
