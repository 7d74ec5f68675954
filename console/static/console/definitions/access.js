// The tokens of an API: chosen from a list, or created in a window.
import "../objects/row_picker.js";
import "./new_token.js";
