// An ordinary script, which a browser also runs when the page was opened from the disk. There the modules do not start.
document.getElementById("unstarted").hidden = location.protocol !== "file:";
