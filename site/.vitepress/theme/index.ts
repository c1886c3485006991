/** The default theme of VitePress with the fonts of the system, so that a page asks for no font. */
import DefaultTheme from 'vitepress/theme-without-fonts';
import './style.css';

export default DefaultTheme;
