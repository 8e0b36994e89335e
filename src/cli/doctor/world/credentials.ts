/**
 * Names and passwords in addresses. What the doctor prints is pasted into tickets and chats, so no
 * text of it holds them.
 */
const CREDENTIALS = /(\/\/)[^/?#\s@]*@/g;

/** The same text without names and passwords in its addresses. */
export function withoutCredentials(text: string): string {
  return text.replace(CREDENTIALS, "$1");
}
