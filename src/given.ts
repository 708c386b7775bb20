/**
 * What is set in an environment. Without the white space around it, which no setting needs and which copied secrets and
 * mounted files often have; what is empty then counts as not set.
 */
export function givenIn(env: NodeJS.ProcessEnv): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const bare = value?.trim() ?? '';
    if (bare !== '') given[name] = bare;
  }
  return given;
}
