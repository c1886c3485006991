/** Asks the control server of a simulator in a process of its own. For tests. */

/**
 * The body of the answer to GET. Asked once more where the first request fails: the connection that fetch kept may be
 * closed by the server, after some seconds without a request, at the moment when it is used again.
 */
export async function getFrom(url: string): Promise<string> {
  const get = async (): Promise<string> => (await fetch(url)).text();
  try {
    return await get();
  } catch {
    return await get();
  }
}
