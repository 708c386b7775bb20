/** Whether an address is Slack's: files.slack.com and its siblings, or the host that SLACK_API_URL names. */
export function createSlackHosts(apiUrl: string): (url: URL) => boolean {
  const own = new URL(apiUrl);
  return url => {
    if (url.origin === own.origin && own.hostname !== 'slack.com') return true;
    const slack = url.hostname === 'slack.com' || url.hostname.endsWith('.slack.com');
    return slack && url.protocol === 'https:' && url.port === '' && url.username === '';
  };
}
