/** What a release says of itself: the section of its version in CHANGELOG.md. Refuses a tag that is not the version. */

/**
 * The lines of the section of `version`, without its heading.
 *
 * @throws Error where the tag is not `v` and the version, or the changelog has no section of it, or calls it unreleased
 */
export function releaseNotes(tag: string, version: string, changelog: string): string {
  if (tag !== `v${version}`) throw new Error(`The tag ${tag} is not v${version}, the version of package.json.`);
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => /^\S*/.exec(text)![0] === version);
  if (section === undefined) throw new Error(`CHANGELOG.md has no section ${version}.`);
  const [heading = '', ...lines] = section.split('\n');
  if (!/^\S+ — \d{4}-\d{2}-\d{2}$/.test(heading)) {
    throw new Error(`CHANGELOG.md calls it "${heading}". Expected "${version} — YYYY-MM-DD".`);
  }
  const notes = lines.join('\n').trim();
  if (notes === '') throw new Error(`CHANGELOG.md says nothing of ${version}.`);
  return `${notes}\n`;
}
