// The form of a definition.
import "./route.js";
import "./script_picker.js";
import "./method.js";
import "./version_picker.js";
import "../objects/row_picker.js";
import "./new_token.js";
