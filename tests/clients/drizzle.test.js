import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { and, asc, eq, inArray, isNull, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/aws-data-api/pg";
import {
  bigint, boolean, date, doublePrecision, integer, jsonb, numeric, pgTable, serial, text, time, timestamp, uuid, varchar,
} from "drizzle-orm/pg-core";
import { client, target } from "./client.js";

const db = drizzle(client, target);
const people = pgTable("people", {
  id: serial("id").primaryKey(),
  name: varchar("name", { length: 40 }).notNull().unique(),
  age: integer("age"),
  followers: bigint("followers", { mode: "number" }),
  score: doublePrecision("score"),
  balance: numeric("balance", { precision: 12, scale: 2 }),
  active: boolean("active"),
  born: date("born"),
  wakes: time("wakes"),
  joined: timestamp("joined"),
  key: uuid("key"),
  notes: jsonb("notes"),
  tags: text("tags").array(),
});
const ada = {
  name: "Ada",
  age: 36,
  followers: 2 ** 40,
  score: 1.5,
  balance: "12.30",
  active: true,
  born: "1815-12-10",
  wakes: "06:30:00",
  joined: new Date("2024-01-15T12:34:56.789Z"),
  key: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
  notes: { likes: ["engines", "日本"], n: 1 },
};

before(() => db.execute(sql`CREATE TABLE people (
  id serial PRIMARY KEY, name varchar(40) NOT NULL UNIQUE, age int, followers bigint, score float8,
  balance numeric(12, 2), active boolean, born date, wakes time, joined timestamp, key uuid, notes jsonb, tags text[])`));
after(() => db.execute(sql`DROP TABLE people`));

test("every type comes back as it went", async () => {
  const [inserted] = await db.insert(people).values(ada).returning();
  assert.deepEqual(inserted, { id: 1, ...ada, tags: null });
  assert.deepEqual(await db.select().from(people).where(eq(people.name, "Ada")), [inserted]);
});

test("conditions, order, null", async () => {
  await db.insert(people).values([{ name: "Bob", age: null }, { name: "Cy", age: 5 }]);
  const found = await db.select({ name: people.name }).from(people)
    .where(and(inArray(people.name, ["Bob", "Cy"]), isNull(people.joined))).orderBy(asc(people.name)).limit(5);
  assert.deepEqual(found, [{ name: "Bob" }, { name: "Cy" }]);
  await db.update(people).set({ age: 6 }).where(eq(people.name, "Cy"));
  assert.deepEqual(await db.select({ age: people.age }).from(people).where(eq(people.name, "Cy")), [{ age: 6 }]);
});

test("arrays are read", async () => {
  await db.execute(sql`UPDATE people SET tags = ARRAY['a', 'b c'] WHERE name = ${"Ada"}`);
  assert.deepEqual(await db.select({ tags: people.tags }).from(people).where(eq(people.name, "Ada")),
    [{ tags: ["a", "b c"] }]);
});

test("raw SQL has its columns' names", async () => {
  const { rows } = await db.execute(sql`SELECT 1 AS one, ${"x"}::text AS two`);
  assert.deepEqual(rows, [{ one: 1, two: "x" }]);
});

test("a transaction rolls back, a nested one to its savepoint", async () => {
  await assert.rejects(db.transaction(async (tx) => {
    await tx.insert(people).values({ name: "Dee" });
    throw new Error("no");
  }), /no/);
  await db.transaction(async (tx) => {
    await tx.insert(people).values({ name: "Eve" });
    await assert.rejects(tx.transaction(async (inner) => {
      await inner.insert(people).values({ name: "Eve" });
    }));
    await tx.insert(people).values({ name: "Flo" });
  });
  const names = await db.select({ name: people.name }).from(people).where(inArray(people.name, ["Dee", "Eve", "Flo"]));
  assert.deepEqual(names.map((row) => row.name).sort(), ["Eve", "Flo"]);
});

test("an error of PostgreSQL is the SDK's typed exception", async () => {
  await assert.rejects(db.insert(people).values({ name: "Ada" }), (error) => {
    const cause = error.cause ?? error;
    assert.equal(cause.name, "DatabaseErrorException");
    assert.match(cause.message, /^ERROR: duplicate key value .*; SQLState: 23505$/);
    return true;
  });
});
