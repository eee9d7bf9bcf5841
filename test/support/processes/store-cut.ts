import { openChdb } from '../../../store/io/clickhouse-database.ts';

/** Drops tables of a store, as a rebuild that was cut off leaves it: `node store-cut.ts <directory> <table> …`; says `done`. */
const [directory = '', ...tables] = process.argv.slice(2);
const opened = await openChdb(directory, 'postern');
if (!opened.ok) throw new Error(opened.error.message);
for (const table of tables) await opened.value.command(`DROP TABLE IF EXISTS ${table} SYNC`);
await opened.value[Symbol.asyncDispose]();
process.stdout.write('done\n');
