import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Kysely, sql } from "kysely";
import { DataApiDialect } from "kysely-data-api";
import { client, target } from "./client.js";

const db = new Kysely({ dialect: new DataApiDialect({ mode: "postgres", driver: { client, ...target } }) });

before(() => db.schema.createTable("person")
  .addColumn("id", "serial", (column) => column.primaryKey())
  .addColumn("name", "varchar(20)", (column) => column.notNull().unique())
  .addColumn("seen", "timestamptz")
  .addColumn("born", "date")
  .addColumn("notes", "jsonb")
  .addColumn("photo", "bytea")
  .addColumn("tags", sql`text[]`)
  .execute());
after(() => db.schema.dropTable("person").execute());

test("insert, returning", async () => {
  const inserted = await db.insertInto("person").values({
    name: "Ada",
    seen: new Date("2024-01-15T12:34:56.789Z"),
    notes: sql`${JSON.stringify({ a: [1, 2] })}::jsonb`,
    photo: Buffer.from([0, 255]),
    tags: sql`ARRAY['a', 'b']`,
  }).returningAll().executeTakeFirstOrThrow();
  assert.deepEqual({ ...inserted, photo: [...inserted.photo] }, {
    id: 1,
    name: "Ada",
    seen: new Date("2024-01-15T12:34:56.789Z"),
    born: null,
    notes: { a: [1, 2] },
    photo: [0, 255],
    tags: ["a", "b"],
  });
});

test("update and delete count", async () => {
  await db.insertInto("person").values([{ name: "Bob" }, { name: "Cy" }]).execute();
  const updated = await db.updateTable("person").set({ born: sql`'2000-02-29'::date` }).where("name", "=", "Bob")
    .executeTakeFirst();
  assert.equal(updated.numUpdatedRows, 1n);
  assert.deepEqual(await db.selectFrom("person").select("born").where("name", "=", "Bob").execute(),
    [{ born: new Date("2000-02-29") }]);
  assert.equal((await db.deleteFrom("person").where("name", "in", ["Bob", "Cy"]).executeTakeFirst()).numDeletedRows, 2n);
});

test("a transaction commits or rolls back", async () => {
  await db.transaction().execute((tx) => tx.insertInto("person").values({ name: "Dee" }).execute());
  await assert.rejects(db.transaction().execute(async (tx) => {
    await tx.insertInto("person").values({ name: "Eve" }).execute();
    await tx.insertInto("person").values({ name: "Dee" }).execute();
  }), { name: "DatabaseErrorException" });
  const names = await db.selectFrom("person").select("name").where("name", "in", ["Dee", "Eve"]).execute();
  assert.deepEqual(names, [{ name: "Dee" }]);
});

test("introspection reads the catalogs", async () => {
  const tables = await db.introspection.getTables();
  const person = tables.find((table) => table.name === "person");
  assert.deepEqual(person.columns.map((column) => column.name), ["id", "name", "seen", "born", "notes", "photo", "tags"]);
});
