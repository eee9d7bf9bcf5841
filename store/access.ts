/** What the connections of readers may do, and those of the writer. */
export const READING_ROLE = 'postern_reading';
const WRITING_ROLE = 'postern_writing';

/**
 * Configuration of the embedded engine: its one user has all rights through a role, so that a reader can take another one. The
 * reading role may look at the history, and at nothing outside of the database: no file, no address, no other server.
 *
 * @param database - A name without signs.
 * @param path - Of the file that will hold this.
 */
export const accessConfiguration = (database: string, path: string): string => `<clickhouse>
  <user_directories><users_xml><path>${xmlText(path)}</path></users_xml></user_directories>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <roles>
    <${WRITING_ROLE}><grants><query>GRANT ALL ON *.*</query></grants></${WRITING_ROLE}>
    <${READING_ROLE}>
      <grants>
        <query>GRANT SELECT, SHOW ON ${database}.*</query>
        <query>GRANT SELECT, SHOW ON system.*</query>
        <query>GRANT SELECT, SHOW ON information_schema.*</query>
        <query>GRANT SELECT, SHOW ON INFORMATION_SCHEMA.*</query>
      </grants>
    </${READING_ROLE}>
  </roles>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT ${WRITING_ROLE}, ${READING_ROLE}</query></grants>
    </default>
  </users>
</clickhouse>
`;

const xmlText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
