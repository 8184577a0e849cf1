"use strict";
// A page that comes back out of the browser's memory may show a step that is long done.
addEventListener("pageshow",e=>{if(e.persisted)location.reload()});
for(const b of document.querySelectorAll(".reveal")){
const i=document.getElementById(b.dataset.for),set=on=>{i.type=on?"text":"password";b.textContent=on?b.dataset.hide:b.dataset.show;b.setAttribute("aria-pressed",on)};
b.hidden=false;
b.addEventListener("click",()=>{set(i.type==="password");i.focus()});
// Posted as a password again, so that browsers do not remember it as a text.
i.form.addEventListener("submit",()=>set(false));
}
