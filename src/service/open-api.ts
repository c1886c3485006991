export function openApiText(_version: string): string {
  return '{}';
}
